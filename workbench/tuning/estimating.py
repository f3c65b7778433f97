"""What each tuning method would cost on a GPU before a step is made: a row per method, every figure with its evidence.

The step that is simulated is the one `workbench.tuning.training` makes: its batches, its precision, its optimizer.
Nothing is downloaded: a config.json is enough. Answers are kept, so a change of GPU or rate is answered at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from workbench.errors import UsageError
from workbench.estimates.gpus import Device, find_gpu, find_this_device
from workbench.estimates.shapes import find_shape, list_shapes
from workbench.estimates.simulate import find_positions
from workbench.files import clean_text
from workbench.spec.model import StrictModel
from workbench.spec.problems import suggest
from workbench.tuning.estimated_rows import Plan, make_row
from workbench.tuning.lengths import RowLengths, RowSample, has_tokenizer, measure_dataset, measure_rows
from workbench.tuning.methods import METHODS, Method, MethodSettings, find_method, parse_settings
from workbench.tuning.models import BASE_MODEL, resolve_model

Positive = Annotated[int, Field(ge=1)]


class EstimateRequest(StrictModel):
    """What to estimate. What is left out is the method's own default, and `gpu` this machine.

    `methods` are names, or names with settings of their own such as `lora:rank=64,dropout=0.1`. With a `dataset`, row
    lengths and their number are its own and `sequence_length` is the most a row may have. `settings` go to each method
    that has them. `rate` is USD for an hour.
    """

    model: str = BASE_MODEL
    methods: Literal["all"] | tuple[str, ...] = "all"
    gpu: str | None = None
    dataset: Path | None = None
    workspace: str | None = None
    train_on: Literal["synthetic", "real"] = "synthetic"
    batch_size: Positive | None = None
    sequence_length: Annotated[int, Field(ge=8)] | None = None
    checkpointing: bool | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    rate: Annotated[float, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class _Model:
    """`config` is the content of its config.json; `folder` is None for a shape that the package ships."""

    name: str
    config: dict[str, Any]
    folder: Path | None


@dataclass(frozen=True, slots=True)
class _Variant:
    """A method with settings, under the name it was asked by."""

    name: str
    method: Method
    settings: MethodSettings


def parse_request(fields: Mapping[str, Any]) -> EstimateRequest:
    """The request of `fields` as a user or a screen gave them. Raises `UsageError` for the first that cannot be."""
    try:
        return EstimateRequest(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]).replace("_", " ")
        reason = first["msg"][:1].lower() + first["msg"][1:]
        raise UsageError(
            f"The {name} of an estimate cannot be “{clean_text(str(first['input']))}”: {reason}.",
            "Change it and ask again.",
        ) from error


def estimate_methods(request: EstimateRequest, sample: RowSample | None = None) -> dict[str, Any]:
    """The answer in the shape of `estimate --json`, a row for each method in the order asked.

    `sample` are rows of a dataset that does not exist yet. A method that cannot be estimated on this model has a row
    with the reason and no figures. Raises `UsageError` for a model, GPU, method or setting that does not exist.
    """
    device = find_gpu(request.gpu) if request.gpu else find_this_device()
    model = _find_model(request.model)
    rows = []
    for variant in _list_variants(request):
        lengths = _measure_lengths(request, sample, model, variant.settings)
        plan = Plan(
            name=variant.name,
            method=variant.method,
            settings=variant.settings,
            config=model.config,
            lengths=lengths,
            total_rows=sample.total if sample else len(lengths) if lengths else None,
            rate=request.rate,
        )
        rows.append(make_row(plan, device))
    return {
        "model": model.name,
        "device": device.name,
        "device_title": device.title,
        "device_bytes": device.usable_bytes,
        "device_evidence": device.evidence,
        "price_usd_per_hour": _describe_price(device, request.rate),
        "rows": rows,
    }


def _list_variants(request: EstimateRequest) -> list[_Variant]:
    names = METHODS.names() if request.methods == "all" else list(request.methods)
    common = {
        name: value
        for name, value in (
            ("batch_size", request.batch_size),
            ("max_length", request.sequence_length),
            ("checkpointing", request.checkpointing),
        )
        if value is not None
    }
    asked = [(name, *_split_item(name)) for name in names]
    if not asked:
        raise UsageError("No method was named.", f"Known: {', '.join(METHODS.names())}.")
    unused = [
        key
        for key in request.settings
        if not any(key in find_method(method).settings.model_fields for _, method, _ in asked)
    ]
    if unused:
        known = {field for _, method, _ in asked for field in find_method(method).settings.model_fields}
        raise UsageError(f"No method asked for has a setting “{clean_text(unused[0])}”.", suggest(unused[0], known))
    variants = []
    for name, method, own in asked:
        shared = {
            key: value for key, value in request.settings.items() if key in find_method(method).settings.model_fields
        }
        variants.append(_Variant(name, find_method(method), parse_settings(method, common | shared | own)))
    return variants


def _split_item(item: str) -> tuple[str, dict[str, str]]:
    """`lora:rank=64,dropout=0.1` as a method's name and its settings."""
    method, _, text = item.partition(":")
    settings = {}
    for pair in filter(None, text.split(",")):
        key, equals, value = pair.partition("=")
        if not (key and equals and value):
            raise UsageError(f"“{clean_text(pair)}” is no setting.", "Write a method as lora:rank=64,dropout=0.1.")
        settings[key.strip()] = value.strip()
    return method.strip(), settings


def _find_model(reference: str) -> _Model:
    """A folder with a config.json, the shipped model, a shipped shape, or a hub id whose config lies in the cache."""
    is_folder = bool(reference) and Path(reference).expanduser().is_dir()
    shape = None if is_folder else find_shape(reference)
    if shape is not None:
        return _Model(reference, shape, None)
    try:
        found = resolve_model(reference)
    except UsageError as error:
        if is_folder or Path(reference).expanduser().is_file():
            raise
        known = [BASE_MODEL, *list_shapes()]
        raise UsageError(error.cause, f"{suggest(reference, known)} Or give a folder with a config.json.") from error
    folder = found.folder or _find_cached(found.location)
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return _Model(found.name, config, folder)


def _find_cached(hub_id: str) -> Path:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(hub_id, "config.json")
    if not isinstance(path, str):
        raise UsageError(
            f"The config.json of {clean_text(hub_id)} is not on this machine, and an estimate downloads nothing.",
            f"Give a folder with it, or one of the shapes: {', '.join(list_shapes())}.",
        )
    return Path(path).parent


def _measure_lengths(
    request: EstimateRequest, sample: RowSample | None, model: _Model, settings: MethodSettings
) -> RowLengths | None:
    """Row lengths of the dataset or sample as the model's tokenizer counts them; None where either is missing."""
    if (request.dataset is None and sample is None) or model.folder is None or not has_tokenizer(model.folder):
        return None
    max_length = min(settings.max_length, find_positions(model.config) or settings.max_length)
    if sample is not None:
        return measure_rows(sample.rows, model.folder, max_length)
    return measure_dataset(str(request.dataset), request.workspace, request.train_on, model.folder, max_length)


def _describe_price(device: Device, rate: float | None) -> dict[str, Any] | None:
    if rate is not None:
        return {"low": rate, "high": rate, "source": "given with the request"}
    price = device.price
    return None if price is None else {"low": price.low, "high": price.high, "source": price.source}
