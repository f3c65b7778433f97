"""The start-up budget: what `workbench --help` and the app import, and the direction of imports between rooms."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch", "transformers", "peft", "accelerate", "datasets", "sklearn", "scipy", "pandas", "numpy", "pyarrow",
    "faker", "jinja2", "pydantic", "yaml", "rich", "textual", "tokenizers",
}  # fmt: skip
LIGHT_FOR_APP = {"rich", "textual"}


def list_modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(answer.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    modules = list_modules_after("from workbench.cli.main import build_parser\nbuild_parser()[0].format_help()")
    assert not HEAVY & {name.partition(".")[0] for name in modules}
    # A bare argparse program loads about 130 modules; the budget leaves room for our own and keeps packages out.
    assert len(modules) < 220


def test_the_app_imports_nothing_heavy() -> None:
    code = "from pathlib import Path\nimport screens.app\nfrom workbench.workspace import Workspace"
    modules = list_modules_after(code)
    assert not (HEAVY - LIGHT_FOR_APP) & {name.partition(".")[0] for name in modules}


def test_the_worker_imports_nothing_heavy() -> None:
    modules = list_modules_after("import workbench.runs.worker, workbench.runs.execute")
    assert not HEAVY & {name.partition(".")[0] for name in modules}


def test_rooms_import_downwards_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.fail("import-linter is missing: install the extra “dev”")
    answer = subprocess.run([program, "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0, answer.stdout
