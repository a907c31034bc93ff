"""Headers that the web server adds where the app does not set them itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.remote.spec import Problem

#: Harmless for every app: types are not guessed, other sites may not frame it, and they learn no more than its name.
BASIC = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
HSTS = "Strict-Transport-Security"
#: Of the connection, of the answer's body, or of the cache: the app's business.
_TAKEN = frozenset({"connection", "content-length", "content-type", "content-encoding", "transfer-encoding",
                    "cache-control", "set-cookie", "location", "date", "server", "upgrade", "vary"})  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_VALUE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7a\x7c\x7e]+")  # no quotes, backslashes, braces, line breaks


def read(value: Mapping[str, Any]) -> dict[str, str]:
    """Those to add, by name: the basic ones with the user's; null takes one away."""
    found: dict[str, tuple[str, Any]] = {name.lower(): (name, text) for name, text in BASIC.items()}
    found.update({name.lower(): (name, text) for name, text in value.items()})
    return {name: str(text) for name, text in found.values() if text is not None}


def problems(value: Mapping[str, Any], *, https: bool) -> Iterator[Problem]:
    for name, text in value.items():
        if not _NAME.fullmatch(str(name)) or str(name).lower() in _TAKEN:
            yield Problem("headers", f"`{name}` is no header for a web server to add", "let the app set it")
        elif text is not None and not _VALUE.fullmatch(str(text)):
            yield Problem("headers", f"the value of `{name}` has a character that can't be told to every web server",
                          "leave out quotes, backslashes, braces and line breaks, or let the app set it")  # fmt: skip
        elif text is not None and "$" in str(text):
            yield Problem("headers", f"the value of `{name}` has a $, which nginx takes for a variable")
        elif str(name).lower() == HSTS.lower() and text is not None and not https:
            yield Problem("headers", f"browsers ignore `{HSTS}` without HTTPS", "set `https`, or leave it out")
