"""Methods and their settings: right by default, read from texts, refused with the nearest name."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.tuning.methods import (
    METHODS,
    choose_learning_rate,
    count_steps,
    describe_methods,
    find_method,
    parse_settings,
)
from workbench.tuning.methods.lora import LoraSettings


def test_every_method_is_described_with_its_defaults() -> None:
    described = {method["name"]: method for method in describe_methods()["methods"]}
    assert list(described) == METHODS.names() == ["full", "lora"]
    assert described["lora"]["defaults"]["rank"] == 16
    assert "rank" not in described["full"]["defaults"]
    assert described["full"]["defaults"]["learning_rate"] == 2e-5
    assert described["lora"]["defaults"]["learning_rate"] == 2e-4
    assert set(described["lora"]) == {
        "name", "group", "trainable", "checkpointing", "four_bit", "mergeable", "defaults", "settings", "advice",
    }  # fmt: skip


def test_settings_are_read_from_texts() -> None:
    settings = parse_settings(
        "lora",
        {
            "rank": "8",
            "learning_rate": "1e-3",
            "checkpointing": "true",
            "max_steps": "none",
            "target_modules": "q_proj",
        },
    )
    assert isinstance(settings, LoraSettings)
    assert (settings.rank, settings.learning_rate, settings.checkpointing, settings.max_steps) == (8, 1e-3, True, None)
    assert parse_settings("lora", {"target_modules": ["q_proj", "v_proj"]}).model_dump()["target_modules"] == (
        "q_proj,v_proj"
    )


@pytest.mark.parametrize(
    ("method", "values", "cause", "solution"),
    [
        ("loar", {}, "There is no method “loar”.", "Did you mean “lora”?"),
        ("full", {"rank": "8"}, "full has no setting “rank”.", ""),
        ("lora", {"learningrate": "1"}, "lora has no setting “learningrate”.", "Did you mean “learning_rate”?"),
        ("lora", {"batch_size": "0"}, "The setting batch_size cannot be “0”", "forward pass"),
        ("full", {"epochs": "-1"}, "The setting epochs cannot be “-1”", "Passes"),
        ("full", {"learning_rate": "nan"}, "The setting learning_rate cannot be “nan”", "rate"),
        ("lora", {"rank": "many"}, "The setting rank cannot be “many”: it should be a valid integer", "Width"),
        ("lora", {"dtype": "int3"}, "The setting dtype cannot be “int3”", "Precision"),
        ("lora", {"dropout": "1.5"}, "The setting dropout cannot be “1.5”: it should be less than 1", "update"),
    ],
)
def test_wrong_methods_and_settings_are_refused(method: str, values: dict[str, str], cause: str, solution: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(method, values)
    assert caught.value.cause.startswith(cause)
    assert solution in caught.value.solution


def test_few_rows_are_read_several_times_and_many_rows_once() -> None:
    settings = parse_settings("lora", {})
    assert settings.batch_size == 8
    assert [count_steps(settings, rows) for rows in (8, 400, 1500, 80_000)] == [10, 250, 250, 10_000]
    assert count_steps(parse_settings("lora", {"epochs": "1.5", "gradient_accumulation": "3"}), 100) == 8
    assert count_steps(parse_settings("lora", {"epochs": "1.5", "max_steps": "7"}), 100) == 7


@given(st.integers(1, 10**13), st.integers(1, 10**13))
def test_a_larger_model_gets_no_higher_rate(first: int, second: int) -> None:
    for name in METHODS.names():
        method = find_method(name)
        rates = [choose_learning_rate(method, size) for size in sorted((first, second))]
        assert rates[0] >= rates[1]
        assert method.rates[1] <= rates[1] <= rates[0] <= method.rates[0]


def test_describing_the_methods_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from workbench.tuning.methods import describe_methods, parse_settings;"
        "from workbench.tuning.models import resolve_model;"
        "describe_methods(); parse_settings('lora', {}); resolve_model('workbench-base');"
        "sys.exit(bool({'torch', 'transformers', 'peft', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
