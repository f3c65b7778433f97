"""`croissant.json`: what the dataset holds as Croissant 1.1 (JSON-LD) with its Responsible AI terms.

The format is described at https://docs.mlcommons.org/croissant/. Two choices follow from practice: the vocabulary is
`https://schema.org/`, since validators refuse the namespace that the 1.1 text recommends (croissant#1018), and files
are listed one by one with their SHA-256, while records are read from all files of a table at once. A licence and a
publisher are not invented: they are marked as not stated until the owner of the dataset does.
"""

from __future__ import annotations

from typing import Any

from workbench.datasets.manifest import DATA, NOT_STATED, SPLITS, ColumnRecord, ExtraRecord, Manifest, TableRecord
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
_DATA_TYPES = {"bool": "sc:Boolean", "int64": "sc:Integer", "double": "sc:Float", "timestamp[us]": "sc:DateTime"}
_PARQUET = "application/x-parquet"


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
            *(_describe_files(f"{name}-files", f"{DATA}/{name}-*.parquet") for name in manifest.tables),
            *(
                _describe_files(f"{name}-{split}-files", f"{SPLITS}/{split}/{name}-*.parquet")
                for name, sides in manifest.splits.items()
                for split in sides
            ),
        ],
        "recordSet": [_describe_table(name, table, manifest) for name, table in manifest.tables.items()],
    }


def _describe_making(manifest: Manifest) -> dict[str, Any]:
    """Where the rows come from, in the words of PROV-O."""
    agents = [
        {"@type": "prov:SoftwareAgent", "prov:label": f"Synthetic Workbench {manifest.versions.get('workbench', '')}"}
    ]
    agents += [
        {
            "@type": "prov:SoftwareAgent",
            "prov:label": clean_text(
                f"model {m.model}, provider {m.provider}, revision {m.revision}, licence {m.licence}"
            ),
        }
        for m in manifest.models.values()
    ]
    making: dict[str, Any] = {
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"generated from a specification with seed {manifest.seed}",
        },
        "prov:wasAttributedTo": agents,
    }
    if manifest.sources:
        making["prov:wasDerivedFrom"] = [
            {
                "@id": f"urn:sha256:{source.sha256 or 'unknown'}",
                "prov:label": clean_text(f"{name}: {source.origin}, licence {source.licence}"),
            }
            for name, source in manifest.sources.items()
        ]
    return making


def _describe_responsibly(manifest: Manifest) -> dict[str, Any]:
    biases = [
        f"{name}: scenario {each.name} is {each.achieved} of {table.rows} rows by request"
        for name, table in manifest.tables.items()
        for each in table.scenarios
    ]
    biases += [
        f"{name}: shares of {', '.join(each.columns)} are by request"
        for name, table in manifest.tables.items()
        for each in table.balance
    ]
    dropped = [
        clean_text(f"{name}: {count} rows left out, which did not keep {reason}")
        for name, table in manifest.tables.items()
        for reason, count in table.rejected.items()
    ]
    about = {
        "rai:dataCollection": "Generated from a specification, not collected. All content is synthetic.",
        "rai:dataCollectionType": ["Others: synthetic generation"],
        "rai:dataUseCases": ["Developing, testing and tuning where real rows are scarce, rare or confidential."],
        "rai:dataLimitations": [
            "Holds only the relations that its specification states; not evidence about the world.",
        ],
        "rai:personalSensitiveInformation": [
            "Rows describe no real person. This is no proof of anonymity where real data was a source."
        ],
        "rai:dataBiases": biases,
        "rai:dataPreprocessingProtocol": dropped,
        "rai:machineAnnotationTools": [clean_text(f"{m.model} ({m.provider})") for m in manifest.models.values()],
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
    record: dict[str, Any] = {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{table.rows} synthetic rows",
        "field": [_describe_column(name, column, table, manifest) for column in table.columns],
    }
    if table.primary_key in {column.name for column in table.columns}:
        record["key"] = {"@id": f"{name}/{table.primary_key}"}
    return record


def _describe_column(name: str, column: ColumnRecord, table: TableRecord, manifest: Manifest) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{name}/{column.name}",
        "name": column.name,
        "description": f"made by {column.recipe.get('type', 'the specification')}, synthetic",
        "dataType": _DATA_TYPES.get(column.type, "sc:Text"),
        "source": {"fileSet": {"@id": f"{name}-files"}, "extract": {"column": column.name}},
    }
    for key in table.foreign_keys:
        parent = manifest.tables.get(key.table)
        if key.column == column.name and parent is not None and parent.primary_key is not None:
            field["references"] = {"field": {"@id": f"{key.table}/{parent.primary_key}"}}
    return field
