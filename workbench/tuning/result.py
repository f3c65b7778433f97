"""What a tuning run leaves: safetensors that plain transformers or PEFT loads, the tokenizer, and a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.files import make_folder, write_atomic
from workbench.tuning.loading import LoadedModel
from workbench.tuning.memory import explain_memory

_CARD = """\
---
base_model: {base}
library_name: {library}
tags: [synthetic-data, {method}]
---
# {title}

{base} tuned by {method} on {train_rows:,} {train_on} rows, {steps:,} steps at a learning rate of {learning_rate:.1e}.

## Data

{sources}

## Score on {evaluated_rows:,} rows of the {evaluated_on}

| | before | after |
| --- | --- | --- |
{scores}

The loss is in nats per token of the answer. The preferred answer is the one of the highest probability, all its tokens
and the end token counted.

## Use

```python
{snippet}
```

## Settings

{settings}
"""

_SNIPPETS = {
    "peft": """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained({location!r})
model = PeftModel.from_pretrained(base, "path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")""",
    "transformers": """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")""",
}


def save_result(
    folder: Path, loaded: LoadedModel, model: Any, summary: dict[str, Any], sources: list[str], location: str
) -> None:
    """Write the tuned model, its tokenizer and its card to `folder`; `summary` is the run's result."""
    make_folder(folder)
    is_adapter = hasattr(model, "get_base_model")
    with explain_memory("saving the result"):
        if is_adapter:
            model.save_pretrained(folder, save_embedding_layers=False)
        else:
            model.config.use_cache = True
            model.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
    write_atomic(folder / "README.md", _write_card(summary, sources, location, is_adapter))


def _write_card(summary: dict[str, Any], sources: list[str], location: str, is_adapter: bool) -> str:
    library = "peft" if is_adapter else "transformers"
    names = {"loss": "loss", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
    scores = [
        f"| {words} | {summary['before'][name]:.3f} | {summary['after'][name]:.3f} |"
        for name, words in names.items()
        if summary["after"][name] is not None
    ]
    return _CARD.format(
        base=summary["model"],
        library=library,
        title=f"{summary['model']} · {summary['method']} · {summary['dataset']}",
        sources="\n".join(f"- {source}" for source in sources),
        scores="\n".join(scores),
        snippet=_SNIPPETS[library].format(location=location),
        settings="\n".join(f"- {name}: {value}" for name, value in summary["settings"].items()),
        **{
            key: summary[key]
            for key in ("method", "train_rows", "train_on", "steps", "learning_rate", "evaluated_rows", "evaluated_on")
        },
    )
