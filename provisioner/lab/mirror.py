"""Which package mirror lab hosts use: this machine's own where it is a Debian, else mmdebstrap's default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

APT = Path("/etc/apt")
ARCHIVES = ("debian", "debian-security")
SUITES = re.compile(r"^(?:bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)(?:[-/].*)?$")


def sources(release: str) -> tuple[str, ...]:
    """One-line apt sources for `release`, or none: then mmdebstrap decides."""
    if not (APT / "sources.list.d").is_dir():
        return ()
    texts = [path.read_text(errors="replace") for path in _files()]
    mirrors = find_mirrors(texts)
    if set(mirrors) != set(ARCHIVES):
        return ()
    main, security = (mirrors[archive] for archive in ARCHIVES)
    return (
        f"deb {main} {release} main",
        f"deb {main} {release}-updates main",
        f"deb {security} {release}-security main",
    )


def find_mirrors(texts: Iterable[str]) -> dict[str, str]:
    """Archive ("debian", "debian-security") -> URL, from sources in either of apt's formats; the first wins."""
    found: dict[str, str] = {}
    for url, suites in (entry for text in texts for entry in _entries(text)):
        archive = url.rstrip("/").rpartition("/")[2]
        if archive in ARCHIVES and any(SUITES.match(suite) for suite in suites):
            found.setdefault(archive, url.rstrip("/"))
    return found


def _files() -> Iterator[Path]:
    if (APT / "sources.list").is_file():
        yield APT / "sources.list"
    yield from sorted([*(APT / "sources.list.d").glob("*.list"), *(APT / "sources.list.d").glob("*.sources")])


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s", text, re.MULTILINE):
        yield line[0], [line[1]]
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(URIs|Suites|Enabled):\s*(.+)$", paragraph, re.MULTILINE))
        if fields.get("Enabled", "yes").strip() != "no":
            for url in fields.get("URIs", "").split():
                yield url, fields.get("Suites", "").split()
