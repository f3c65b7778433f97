// Parse JavaScript, or run it with its tests. Argument `parse`: a JSON list of texts on standard input, a line of JSON
// for each. Argument `runs` or `tests`: run main.cjs, or main.mjs where it is only a module. After tests that came to
// their end the word on standard input is written, so that a program that exits before passes none.
'use strict';
const fs = require('node:fs');
const vm = require('node:vm');

const AROUND = ['exports', 'require', 'module', '__filename', '__dirname'];

function describe(error) {
  const line = /main\.[cm]?js:(\d+)/.exec(String(error && error.stack));
  const said = String((error && error.message) || error).replace(/\s+/g, ' ').trim();
  const name = error && error.name && error.name !== 'Error' ? `${error.name}: ` : '';
  return `${line ? `line ${line[1]}: ` : ''}${name}${said}`;
}

// What is wrong with the text as a script of Node.js and as a module; null stands for nothing.
function parse(text) {
  let wrong = null;
  try {
    vm.compileFunction(text, AROUND, {filename: 'main.js'});
    return {script: true, wrong};
  } catch (error) {
    wrong = describe(error);
    if (!/\b(import|export|await)\b/.test(text)) return {script: false, wrong};
  }
  try {
    new vm.SourceTextModule(text, {identifier: 'main.js'});
    return {script: false, wrong: null};
  } catch (error) {
    return {script: false, wrong: describe(error)};
  }
}

function run(tested) {
  const word = tested ? fs.readFileSync(0, 'utf8') : '';
  const {script} = parse(fs.readFileSync('main.cjs', 'utf8'));
  let ended = false;
  globalThis.__testsEnded = () => { ended = true; };
  const write = fs.writeSync;
  process.on('exit', (code) => {
    if (tested && code === 0) write(1, ended ? word : '');
    if (tested && code === 0 && !ended) write(2, '\nit exits before its tests have ended\n');
  });
  const fail = (error) => {
    write(2, `\n${describe(error)}\n`);
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  if (tested) globalThis.assert = require('node:assert');
  process.argv.splice(1, 2, 'main.js');
  if (script) {
    require(`${process.cwd()}/main.cjs`);
  } else {
    import(`${process.cwd()}/main.mjs`).catch(fail);
  }
}

if (process.argv[2] === 'parse') {
  const texts = JSON.parse(fs.readFileSync(0, 'utf8'));
  fs.writeSync(1, '"ready"\n');
  for (const text of texts) {
    const {wrong} = parse(text);
    fs.writeSync(1, `${JSON.stringify(wrong === null ? true : wrong)}\n`);
  }
} else {
  run(process.argv[2] === 'tests');
}
