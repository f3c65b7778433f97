"""A model from the hub into the hub's own cache, where every other program finds it too."""

from __future__ import annotations

import os
import sys
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import clean_text

_WANTED = [
    "*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "README.md", "LICENSE*", "LICENCE*", "NOTICE*",
]  # fmt: skip
_DOUBLES = ["original/*", "consolidated*", "onnx/*", "openvino/*", "*.fp16.safetensors", "*.non_ema.safetensors"]
"""The same weights once more, for other programs."""


class HubUnreachable(WorkbenchError):
    """The hub did not answer; what is asked for may be elsewhere."""


def download_snapshot(name: str, revision: str | None = None) -> None:
    """Bring weights, configs, tokenizer and licence of a hub id into the hub's cache, unless they are there.

    Raises `HubUnreachable` where the hub does not answer or HF_HUB_OFFLINE forbids to ask, and `WorkbenchError` where
    it has no such model or does not hand it out.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the library is imported
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    shown = clean_text(name)
    if not sys.stderr.isatty():
        disable_progress_bars()
    options: dict[str, Any] = {"revision": revision, "allow_patterns": _WANTED, "ignore_patterns": _DOUBLES}
    try:
        snapshot_download(name, **options)
    except GatedRepoError as error:
        raise WorkbenchError(
            f"The hub gives {shown} only to those who accepted its terms.",
            "Accept them on its page, then log in with `hf auth login`.",
        ) from error
    except RevisionNotFoundError as error:
        raise WorkbenchError(
            f"The hub has {shown}, but not at revision {clean_text(revision or 'main')}.", "Correct the revision."
        ) from error
    except RepositoryNotFoundError as error:
        raise WorkbenchError(
            f"The hub has no model {shown}.", "Correct the name; if it is private, log in with `hf auth login`."
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise HubUnreachable(f"The hub answered with an error (HTTP {status}).", "Try again later.") from error
    except (OSError, ValueError) as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "ON", "YES"}
        cause = "HF_HUB_OFFLINE forbids to ask the hub." if offline else "The hub cannot be reached."
        advice = "Unset HF_HUB_OFFLINE" if offline else "Check the network and its proxy"
        raise HubUnreachable(cause, f"{advice}, or bring the model here and use --from.") from error
