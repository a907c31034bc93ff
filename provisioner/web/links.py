"""Pure: where each page is, as it is served and as a file of an export."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def served(page: str, name: str = "", **query: str | int) -> str:
    """The address of `page`, of one `name` in it; empty values of the query are left out."""
    path = f"/{'' if page == 'overview' else page}" + (f"/{quote(name, safe='')}" if name else "")
    asked = urlencode({key: value for key, value in query.items() if value})
    return f"{path}?{asked}" if asked else path


def file_of(page: str, name: str = "") -> str:
    """The file of an export, relative to its directory. A name that is no plain file name has a hash for it."""
    if not name:
        return f"{'index' if page == 'overview' else page}.html"
    safe = name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:24]
    return f"{page}/{safe}.html"


@dataclass(frozen=True, slots=True)
class Exported:
    """Links between files. root: the way from the page to the directory of the export. runs, hosts: which have a
    page; what has none is linked to the list."""

    root: str
    runs: frozenset[str]
    hosts: frozenset[str]

    def __call__(self, page: str, name: str = "", **query: str | int) -> str:
        there = {"runs": self.runs, "hosts": self.hosts}.get(page)
        return self.root + file_of(page, name if name and there is not None and name in there else "")
