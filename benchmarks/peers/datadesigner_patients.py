"""DataDesigner on the patient table of `benchmarks/generation.py`. Runs in the peers' environment; prints JSON.

python datadesigner_patients.py ROWS
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

import data_designer.config as dd
from data_designer.interface import DataDesigner


def build(derived: bool) -> dd.DataDesignerConfigBuilder:
    """The nine samplers, with an expression and a template column if `derived`."""
    builder = dd.DataDesignerConfigBuilder(model_configs=[])
    diagnoses = {
        "er": ["sepsis", "fracture", "burn"],
        "oncology": ["lymphoma", "melanoma"],
        "cardiology": ["arrhythmia", "angina"],
    }
    kinds = dd.SamplerType
    samplers = [
        ("patient_id", kinds.UUID, dd.UUIDSamplerParams(prefix="P-", short_form=True)),
        ("department", kinds.CATEGORY, dd.CategorySamplerParams(values=list(diagnoses), weights=[0.4, 0.25, 0.35])),
        ("diagnosis", kinds.SUBCATEGORY, dd.SubcategorySamplerParams(category="department", values=diagnoses)),
        ("age", kinds.GAUSSIAN, dd.GaussianSamplerParams(mean=54, stddev=18, decimal_places=0)),
        ("smoker", kinds.BERNOULLI, dd.BernoulliSamplerParams(p=0.21)),
        ("admitted", kinds.DATETIME, dd.DatetimeSamplerParams(start="2026-01-01", end="2026-12-31", unit="s")),
        ("visits", kinds.POISSON, dd.PoissonSamplerParams(mean=2.4)),
        ("cost", kinds.SCIPY, dd.ScipySamplerParams(dist_name="lognorm", dist_params={"s": 0.9, "scale": 1339.0})),
        ("temperature", kinds.UNIFORM, dd.UniformSamplerParams(low=35.5, high=41.0, decimal_places=1)),
    ]
    for name, kind, params in samplers:
        builder.add_column(dd.SamplerColumnConfig(name=name, sampler_type=kind, params=params))
    if derived:
        expression = "{{ (cost / [visits, 1] | max) | round(2) }}"
        builder.add_column(dd.ExpressionColumnConfig(name="cost_per_visit", expr=expression, dtype="float"))
        note = "{{ age }} year old with {{ diagnosis }}, {{ visits }} visits"
        builder.add_column(dd.ExpressionColumnConfig(name="note", expr=note))
    return builder


def measure(derived: bool, rows: int) -> float:
    """Rows per second of CPU time of all threads."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        designer = DataDesigner(artifact_path=folder)
        begin = time.process_time()
        result = designer.create(build(derived), num_records=rows, dataset_name="patients")
        spent = time.process_time() - begin
        assert len(result.load_dataset()) == rows
    return rows / spent


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asked = int(sys.argv[1])
    measure(False, 100)
    rates = {"samplers": measure(False, asked), "with derived columns": measure(True, asked // 4)}
    print(json.dumps({"peer": f"data-designer {version('data-designer')}", "rates": rates}))
