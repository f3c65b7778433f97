"""Sources that a spec's columns draw from: read once per change of their file, and digested for the fingerprint."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.spec.model import SourceConfig, Spec
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd

    from workbench.datasets.sources import RealData

_MOST_KNOWN = 4
_known: OrderedDict[Hashable, RealData] = OrderedDict()
"""Tables read by earlier plans, since a preview plans its spec at each key."""


class SourceReader:
    """Reads the sources of one spec. `digests` names those that were asked for, with the SHA-256 of their content."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec, self.folder = spec, folder
        self.digests: dict[str, str] = {}

    def read(self, name: str) -> pd.DataFrame:
        """The rows of a source that may be learned from, without its holdout. Raises ValueError for the user."""
        source = self.spec.sources.get(name)
        if source is None:
            raise ValueError(f"there is no source “{name}”. {suggest(name, self.spec.sources)}".strip())
        try:
            data = self._load(name)
        except WorkbenchError as error:
            raise ValueError(f"{error.cause.rstrip('.')}. {error.solution}".rstrip(".")) from None
        self.digests[name] = _identify(data.digest, source)
        return data.train

    def number(self, name: str) -> NDArray[np.int64] | None:
        """For each row that `read` gives its number in the whole source, from 0; None where that is not known."""
        return self._load(name).train_numbers

    def _load(self, name: str) -> RealData:
        from workbench.datasets.source_paths import find_source_file
        from workbench.datasets.sources import read_source

        source = self.spec.sources[name]
        stamp: Hashable = None
        if source.path is not None:
            with contextlib.suppress(OSError):
                found = find_source_file(source.path, self.folder).stat()
                stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        identity = (str(self.folder.absolute()), source.model_dump_json(), self.spec.seed, stamp)
        if identity not in _known:
            _known[identity] = read_source(source, self.folder, self.spec.seed)
            while len(_known) > _MOST_KNOWN:
                _known.popitem(last=False)
        _known.move_to_end(identity)
        return _known[identity]


def _identify(digest: str, source: SourceConfig) -> str:
    """The digest of a source together with how it is split, which decides the rows that may be learned from."""
    split = source.model_dump(mode="json", exclude_defaults=True, exclude={"path", "packaged", "licence"})
    if not split:
        return digest
    return hashlib.sha256(json.dumps([digest, split], sort_keys=True).encode()).hexdigest()
