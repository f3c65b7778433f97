"""Where the file of a source is. A spec may come from anybody, so a relative path stays near the spec.

It may name files in the spec's folder and below, and, where that folder is the `specs` of a workspace, in the
workspace. To read anything else the path is written in full, which a reader of the spec sees.
"""

from __future__ import annotations

from pathlib import Path

from workbench.errors import UsageError
from workbench.files import clean_text

SPECS = "specs"


def find_source_file(written: str, folder: Path) -> Path:
    """The path of a source as `written` in a spec of `folder`. Raises UsageError where it may not be used."""
    shown = clean_text(written)
    try:
        given = Path(written).expanduser()
        path = folder / given
        if given.is_absolute():
            return path
        base = folder.resolve()
        home = base.parent if base.name == SPECS else base
        if not path.resolve().is_relative_to(home):
            raise UsageError(f"The path {shown} leaves the folder of the spec.", "Write it in full, from “/” on.")
    except (OSError, ValueError, RuntimeError) as error:  # a null character, a circle of links, an unknown user's “~”
        raise UsageError(f"The path {shown} cannot be used.", "Check it for strange characters.") from error
    return path
