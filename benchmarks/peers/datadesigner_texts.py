"""DataDesigner asking the server of `benchmarks/providers.py` for texts. Runs in the peers' environment; prints JSON.

python datadesigner_texts.py URL ROWS
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import time
from importlib.metadata import version

os.environ["NEMO_TELEMETRY_ENABLED"] = "false"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["NO_PROXY"] = "127.0.0.1"

import data_designer.config as dd
from data_designer.interface import DataDesigner


def build() -> dd.DataDesignerConfigBuilder:
    """An identifier and a text, with the default settings of a model."""
    model = dd.ModelConfig(alias="writer", model="test", provider="local")
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.add_column(
        dd.SamplerColumnConfig(name="id", sampler_type=dd.SamplerType.UUID, params=dd.UUIDSamplerParams())
    )
    builder.add_column(dd.LLMTextColumnConfig(name="note", model_alias="writer", prompt="Note {{ id }}."))
    return builder


def main() -> None:
    """Measure the rows per second of the clock."""
    logging.disable(logging.CRITICAL)
    url, rows = sys.argv[1], int(sys.argv[2])
    provider = dd.ModelProvider(name="local", endpoint=url, provider_type="openai", api_key="none")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        designer = DataDesigner(artifact_path=folder, model_providers=[provider])
        begin = time.monotonic()
        result = designer.create(build(), num_records=rows, dataset_name="notes")
        seconds = time.monotonic() - begin
        made = len(result.load_dataset())
    told = {"peer": f"data-designer {version('data-designer')}", "rows": made, "rate": made / seconds}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
