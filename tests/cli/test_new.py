"""The command `new` with data of the user's, as a process."""

import json
import subprocess
import sys
from pathlib import Path


def run_new(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", "new", *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_new_from_data_prints_the_path_and_notes_and_never_overwrites(tmp_path: Path) -> None:
    data = tmp_path / "people.csv"
    data.write_text("email,age\n" + "".join(f"p{n}@example.org,{20 + n % 50}\n" for n in range(100)), "utf-8")
    words = ("people", "--from-data", str(data), "--rows", "30", "--json", "--workspace", str(tmp_path))
    found = json.loads(run_new(*words).stdout)
    text = Path(found["spec"]).read_text("utf-8")
    assert "likely personal data" in found["notes"][0]
    assert 'path: "../people.csv"' in text
    assert "rows: 30" in text
    assert run_new(*words).returncode == 2
    assert Path(found["spec"]).read_text("utf-8") == text


def test_new_refuses_options_that_do_not_go_together(tmp_path: Path) -> None:
    for words in (("a", "--rows", "5"), ("a", "--table", "t"), ("a.b", "--from-sdv", "x.json")):
        answer = run_new(*words, "--workspace", str(tmp_path))
        assert answer.returncode == 2
        assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []
