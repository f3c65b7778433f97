"""Where a server is, as far as its address tells."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_loopback(address: str) -> bool:
    """Whether a URL leads to this machine; no proxy can be of use there."""
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
