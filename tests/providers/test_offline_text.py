"""Prose and code of the offline provider: the same for the same request, varied, about the prompt; code that runs."""

import shutil
import sqlite3
import subprocess
import sys

import pytest

from workbench.providers.offline import OfflineProvider
from workbench.providers.offline.exercises import EXERCISES, QUERIES
from workbench.providers.requests import Answer, TextRequest

PROMPT = "Write a message from an angry customer about a laptop screen, order 4711."


def write(*requests: TextRequest) -> list[str]:
    answers = dict(OfflineProvider().answer(requests, lambda: False))
    return [answer.text for answer in map(answers.get, range(len(requests))) if isinstance(answer, Answer)]


def test_a_text_depends_on_its_request_and_not_on_its_company() -> None:
    requests = [TextRequest(PROMPT, seed) for seed in range(50)]
    assert write(*requests)[7:9] == write(requests[7], requests[8])


def test_one_prompt_gives_hundreds_of_texts() -> None:
    assert len(set(write(*(TextRequest(PROMPT, seed) for seed in range(1000))))) > 300


def test_most_texts_name_what_the_prompt_is_about() -> None:
    texts = write(*(TextRequest(PROMPT, seed) for seed in range(200)))
    assert sum("laptop screen" in text for text in texts) > 150


@pytest.mark.parametrize("prompt", ["", "?", "写一句话", "\x00\ud800", "a" * 5000, "{a} {b} [x|y] %s \\1"])
def test_any_prompt_is_answered_within_its_bounds(prompt: str) -> None:
    for text in write(*(TextRequest(prompt, seed, min_chars=80, max_chars=120) for seed in range(20))):
        assert 80 <= len(text) <= 120


def test_as_many_sentences_are_written_as_asked_for() -> None:
    texts = write(*(TextRequest("Write one sentence about foxes.", seed) for seed in range(50)))
    assert all(text.count(".") + text.count("?") == 1 for text in texts)


def test_every_python_solution_passes_its_own_tests() -> None:
    requests = [TextRequest(exercise.words[0], seed, language="python") for exercise in EXERCISES for seed in range(12)]
    programs = write(*requests)
    assert all("assert " in program for program in programs)
    whole = "".join(f"exec(compile({program!r}, 'program {n}', 'exec'), {{}})\n" for n, program in enumerate(programs))
    done = subprocess.run([sys.executable, "-I", "-"], input=whole, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_javascript_solution_passes_its_own_tests() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    requests = [
        TextRequest(exercise.words[0], seed, language="javascript") for exercise in EXERCISES for seed in (1, 2, 3)
    ]
    whole = "".join(f"{{\n{program}}}\n" for program in write(*requests))
    done = subprocess.run([node, "-"], input=whole, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_brackets_of_javascript_are_balanced() -> None:
    for program in write(*(TextRequest(exercise.words[0], 5, language="javascript") for exercise in EXERCISES)):
        assert all(program.count(left) == program.count(right) for left, right in ("()", "[]", "{}"))


def test_every_sql_program_runs_and_its_query_finds_rows() -> None:
    requests = [TextRequest(query.words[0], seed, language="sql") for query in QUERIES for seed in range(20)]
    for program in write(*requests):
        setup, _, question = program.rpartition("\n\n")
        with sqlite3.connect(":memory:") as database:
            database.executescript(setup)
            assert database.execute(question).fetchall()


def test_the_solution_takes_the_function_s_name_from_the_task() -> None:
    [task] = write(TextRequest("Write an exercise: factorial.", 3))
    name = task.split("`")[1]
    [program] = write(TextRequest(f"Solve the exercise “factorial”. {task}", 9, language="python"))
    assert f"def {name}(" in program


@pytest.mark.parametrize("name", ["import", "assert", "numbers"])
def test_a_name_that_no_function_can_have_is_not_taken(name: str) -> None:
    [program] = write(TextRequest(f"sum of squares, named `{name}`", 1, language="python"))
    compile(program, "program", "exec")
    assert f"def {name}(" not in program
