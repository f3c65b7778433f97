"""Nested values and vectors on their way into Parquet, the manifest's types and a preview."""

import io
from pathlib import Path

import pyarrow.parquet as pq

from workbench.columns.values import name_arrow_type
from workbench.generation.check import check_text
from workbench.generation.packing import list_jobs, pack_block
from workbench.generation.preview import preview_text

SPEC = """\
name: nested
seed: 1
tables:
  talks:
    rows: 6
    columns:
      - {name: chat, type: llm_conversation, opening: Hello., turns: 1}
      - {name: meaning, type: embedding, text: a chair}
      - {name: flag, type: bernoulli, p: 0.5}
      - name: order
        type: llm_structured
        prompt: Invent an order.
        skip: {when: flag}
        schema:
          type: object
          required: [lines]
          properties: {lines: {type: array, minItems: 1, items: {type: integer}}}
      - {name: lines, type: field, of: order, field: lines}
"""


def test_a_block_of_nested_values_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    plan = check_text(SPEC, tmp_path).plan
    assert plan is not None
    table = plan.tables["talks"]
    packed = pack_block(plan, list_jobs(table)[0], {})
    read = pq.read_table(io.BytesIO(packed.content))
    types = {field.name: str(field.type).replace("element: ", "") for field in read.schema}
    assert types == {name: name_arrow_type(column.maker.shape) for name, column in table.columns.items()}
    assert types["chat"] == "list<struct<role: string, content: string>>"
    assert types["meaning"] == "list<float>"
    shown = preview_text(SPEC, tmp_path, 6)["tables"]["talks"]
    for row, made in zip(read.to_pylist(), shown, strict=True):
        assert row["chat"] == made["chat"]
        assert row["order"] == made["order"]
        assert row["lines"] == (None if row["flag"] else made["order"]["lines"])
        assert len(row["meaning"]) == len(made["meaning"]) == 64
