"""`croissant.json`: what the dataset holds as Croissant 1.1 (JSON-LD) with its Responsible AI terms.

The format is described at https://docs.mlcommons.org/croissant/. Two choices follow from practice: the vocabulary is
`https://schema.org/`, since validators refuse the namespace that the 1.1 text recommends (croissant#1018), and files
are listed one by one with their SHA-256, while records are read from all files of a table at once. A licence and a
publisher are not invented: they are marked as not stated until the owner of the dataset does.
"""

from __future__ import annotations

from typing import Any

from workbench.datasets.manifest import (
    DATA,
    MANIFEST,
    NOT_STATED,
    PROVENANCE,
    SPLITS,
    ColumnRecord,
    ExtraRecord,
    Manifest,
    TableRecord,
)
from workbench.datasets.responsible import describe_model, list_biases, list_filters, list_limits, list_personal
from workbench.files import clean_text

_TERMS = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_DATA_TYPES = {
    "bool": "sc:Boolean",
    "int64": "sc:Integer",
    "double": "sc:Float",
    "float": "sc:Float",
    "timestamp[us]": "sc:DateTime",
}
_PARQUET = "application/x-parquet"
_ORIGINS = {
    "number": ("sc:Integer", "number of the row in the plan, which counts rows that were left out too"),
    "requested": ("sc:Text", "what its scenario and quotas ask of the row, as JSON"),
    "source_row": ("sc:Integer", "number of the real row that the value was taken from"),
    "example_rows": ("sc:Integer", "numbers of the real rows that the model was shown"),
    "prompt": ("sc:Text", "SHA-256 of the request that the model answered"),
    "attempt": ("sc:Integer", "which try it was, from 0"),
    "model": ("sc:Text", "name of the model in the specification"),
}
"""What the fields of `provenance/*.parquet` are, by the first part of their name."""


def describe_dataset(manifest: Manifest, splits: list[ExtraRecord]) -> dict[str, Any]:
    """The content of `croissant.json`. `splits` are the files of the splits.

    Its one time is the day it was made, so that equal data made on one day has equal files.
    """
    return {
        "@context": _TERMS,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest.name,
        "description": clean_text(manifest.description)
        or f"Synthetic dataset {manifest.name}, made from a specification.",
        "version": f"0.0.0+{manifest.version}",
        "license": "https://spdx.org/licenses/NONE.html",
        "url": f"urn:sha256:{manifest.fingerprint}",
        "datePublished": manifest.created[:10],
        "creator": {"@type": "sc:Organization", "name": NOT_STATED},
        "keywords": ["synthetic"],
        "citeAs": f"{manifest.name}, version {manifest.version}, synthetic dataset made by Synthetic Workbench.",
        "isLiveDataset": False,
        **_describe_making(manifest),
        **_describe_responsibly(manifest),
        "distribution": [
            *(_describe_file(record.path, record.bytes, record.sha256) for record in manifest.files),
            *(_describe_file(record.path, record.bytes, record.sha256) for record in splits),
            *(_describe_file(record.path, record.bytes, record.sha256) for record in manifest.provenance),
            *(_describe_files(f"{name}-files", f"{DATA}/{name}-*.parquet") for name in manifest.tables),
            *(
                _describe_files(f"{name}-{split}-files", f"{SPLITS}/{split}/{name}-*.parquet")
                for name, sides in manifest.splits.items()
                for split in sides
            ),
            *(
                _describe_files(f"{name}-provenance-files", f"{PROVENANCE}/{name}-*.parquet")
                for name, table in manifest.tables.items()
                if table.recorded
            ),
        ],
        "recordSet": [
            *(_describe_table(name, table, manifest) for name, table in manifest.tables.items()),
            *(_describe_origins(name, table) for name, table in manifest.tables.items() if table.recorded),
        ],
    }


def _describe_making(manifest: Manifest) -> dict[str, Any]:
    """Where the rows come from, in the words of PROV-O: what they were made from, by what, and who is to be named."""
    sources = [
        {
            "@id": f"urn:sha256:{source.sha256 or 'unknown'}",
            "prov:label": clean_text(f"{name}: {source.origin}, licence {source.licence}, not part of this dataset"),
        }
        for name, source in manifest.sources.items()
    ]
    fitted = [
        {"@id": f"urn:sha256:{fit.sha256}", "prov:label": clean_text(f"{fit.type} fitted to {fit.source}, for {name}")}
        for name, fit in manifest.synthesizers.items()
    ]
    spec = {"@id": f"urn:sha256:{manifest.spec_sha256}", "prov:label": f"specification, “spec” in {MANIFEST}"}
    program = f"Synthetic Workbench {manifest.versions.get('workbench', '')}".strip()
    models = [describe_model(f"model {name}", model) for name, model in manifest.models.items()]
    turns = f", generation {manifest.generation}" if manifest.generation else ""
    making: dict[str, Any] = {
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"generated from a specification with seed {manifest.seed}{turns}",
            "prov:endedAtTime": manifest.created[:10],
            "prov:used": [spec, *sources, *fitted],
        },
        "prov:wasAttributedTo": [{"@type": "prov:SoftwareAgent", "prov:label": label} for label in (program, *models)],
    }
    if sources:
        making["prov:wasDerivedFrom"] = sources
    return making


def _describe_responsibly(manifest: Manifest) -> dict[str, Any]:
    """The terms of Croissant RAI 1.0 for which there is something to say."""
    missing = sum(column.nulls for table in manifest.tables.values() for column in table.columns)
    raw = [clean_text(f"{name}: {source.origin}") for name, source in manifest.sources.items()]
    about: dict[str, Any] = {
        "rai:dataCollection": "Generated from a specification, not collected. All content is synthetic.",
        "rai:dataCollectionType": ["Others: synthetic generation"],
        "rai:dataCollectionMissingData": f"{missing:,} values are null, by request or for want of a model's answer.",
        "rai:dataCollectionRawData": f"Real data that was used: {'; '.join(raw) or 'none'}.",
        "rai:dataUseCases": ["Developing, testing and tuning where real rows are scarce, rare or confidential."],
        "rai:dataLimitations": list_limits(manifest),
        "rai:dataBiases": list_biases(manifest),
        "rai:personalSensitiveInformation": list_personal(manifest),
        "rai:dataPreprocessingProtocol": list_filters(manifest),
        "rai:dataAnnotationProtocol": [
            "No people annotated it: labels are values that were drawn, computed, or written by the models named."
        ],
        "rai:machineAnnotationTools": [
            clean_text(f"{model.model}@{model.revision} ({model.provider})") for model in manifest.models.values()
        ],
        "rai:dataReleaseMaintenancePlan": f"{NOT_STATED.capitalize()}. The specification with its seed gives the same "
        "rows again; a change to it gives another version.",
    }
    return {key: value for key, value in about.items() if value}


def _describe_file(path: str, size: int, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{size} B",
        "encodingFormat": _PARQUET,
        "sha256": sha256,
    }


def _describe_files(name: str, pattern: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": _PARQUET, "includes": pattern}


def _describe_table(name: str, table: TableRecord, manifest: Manifest) -> dict[str, Any]:
    # Readers of the format fail at the whole table where one field holds nested values.
    flat = [column for column in table.columns if "struct<" not in column.type]
    record: dict[str, Any] = {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{table.rows} synthetic rows",
        "field": [_describe_column(name, column, table, manifest) for column in flat or table.columns],
    }
    nested = [column.name for column in table.columns if column not in flat]
    if nested:
        record["description"] += f"; nested values, in the files alone: {', '.join(nested)}"
    if table.primary_key in {column.name for column in flat}:
        record["key"] = {"@id": f"{name}/{table.primary_key}"}
    return record


def _describe_origins(name: str, table: TableRecord) -> dict[str, Any]:
    """The records of where each row of a table comes from: record i is about row i."""
    fields = []
    for field in table.recorded:
        kind = field.partition(":")[0]
        described: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{name}-provenance/{field}",
            "name": field,
            "description": _ORIGINS.get(kind, ("", ""))[1],
            "dataType": _ORIGINS.get(kind, ("sc:Text", ""))[0],
            "source": {"fileSet": {"@id": f"{name}-provenance-files"}, "extract": {"column": field}},
        }
        if kind == "example_rows":
            described["repeated"] = True
        fields.append(described)
    return {
        "@type": "cr:RecordSet",
        "@id": f"{name}-provenance",
        "name": f"{name}-provenance",
        "description": f"where each row of {name} comes from: record i is about row i",
        "field": fields,
    }


def _describe_column(name: str, column: ColumnRecord, table: TableRecord, manifest: Manifest) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{name}/{column.name}",
        "name": column.name,
        "description": f"made by {column.recipe.get('type', 'the specification')}, synthetic",
        "dataType": _DATA_TYPES.get(_find_member(column.type), "sc:Text"),
        "source": {"fileSet": {"@id": f"{name}-files"}, "extract": {"column": column.name}},
    }
    if column.type.startswith("list<"):
        field["repeated"] = True
    for key in table.foreign_keys:
        parent = manifest.tables.get(key.table)
        if key.column == column.name and parent is not None and parent.primary_key is not None:
            field["references"] = {"field": {"@id": f"{key.table}/{parent.primary_key}"}}
    return field


def _find_member(kind: str) -> str:
    """The Arrow type of the members of a list, such as `float` of `list<element: float>`; other types as they are."""
    while kind.startswith("list<"):
        kind = kind.removeprefix("list<").removesuffix(">").rpartition(": ")[2]
    return kind
