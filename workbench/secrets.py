"""Keeping keys and tokens of the environment out of logs, events and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMES = re.compile(
    r"(?:^|_)(?:API_?KEY|ACCESS_KEY|TOKEN|SECRET|SECRET_KEY|PASSWORD|PASSWD|CREDENTIALS)$", re.IGNORECASE
)
SHORTEST = 6  # a shorter value would blank out ordinary words and protect nothing


class Redactor:
    """Replaces the values of secret variables by their names in brackets, `[HF_TOKEN]`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._names: dict[bytes, bytes] = {}
        for name, value in environment.items():
            if NAMES.search(name):
                # A private key spans lines, and logs are redacted line by line.
                for line in value.splitlines():
                    secret = line.strip().encode("utf-8", "surrogateescape")
                    if len(secret) >= SHORTEST:
                        self._names.setdefault(secret, f"[{name}]".encode("utf-8", "surrogateescape"))
        longest_first = sorted(self._names, key=len, reverse=True)
        self.longest = len(longest_first[0]) if longest_first else 0
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None

    def redact_bytes(self, data: bytes) -> bytes:
        """`data` without the secrets. One that is cut by the end of `data` stays."""
        if self._pattern is None:
            return data
        return self._pattern.sub(lambda match: self._names[match.group()], data)

    def redact(self, text: str) -> str:
        """`text` without the secrets."""
        return self.redact_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
