"""What an exported app is in a bucket: its objects with types and cache rules, the order in which they are put there,
and which of the old ones may go. Pure.

A client may ask at any moment, also between two uploads, and an upload may be the last one that happens. So what pages
refer to comes before the pages, and the first page comes last; what only old pages refer to stays for a while.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
_TYPES = {
    ".avif": "image/avif", ".css": "text/css; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".gif": "image/gif",
    ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json",
    ".md": "text/markdown; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".mp3": "audio/mpeg",
    ".mp4": "video/mp4", ".otf": "font/otf", ".pdf": "application/pdf", ".png": "image/png",
    ".svg": "image/svg+xml", ".ttf": "font/ttf", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm",
    ".webm": "video/webm", ".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff": "font/woff",
    ".woff2": "font/woff2", ".xml": "application/xml", ".zip": "application/zip",
}  # fmt: skip
"""Without the table of the machine, which differs. Next.js takes the data of a page only as text/plain."""
UNKNOWN = "application/octet-stream"

ASSETS, FILES, DATA, PAGES, FIRST_PAGE = range(5)
"""Ranks: the order of upload."""


@dataclass(frozen=True, slots=True)
class File:
    """md5: hexadecimal, which is also the tag S3 gives to an object that is put there in one piece."""

    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Object:
    """file: its path below the site. cache: its Cache-Control."""

    key: str
    file: str
    size: int
    md5: str
    type: str
    cache: str
    rank: int
    acl: str | None = None

    @property
    def sign(self) -> str:
        """All that makes an object what it is; the MD5 first."""
        return " ".join(filter(None, (self.md5, self.type, self.cache, self.acl)))


def objects(
    files: Mapping[str, File], *, prefix: str, types: Mapping[str, str], extensionless: bool, acl: str | None = None
) -> tuple[Object, ...]:
    """In the order of upload. `files`: path below the site -> file. `types`: path -> content type, where the build
    knows better than the ending. extensionless: `about.html` is there as `about` too."""
    keys = {path: path for path in files}
    if extensionless:
        for path in files:
            bare = path.removesuffix(".html")
            if bare != path and posixpath.basename(bare) not in ("index", "404"):
                keys.setdefault(bare, path)
    found = [_object(prefix + key, path, files[path], types.get(f"/{key}"), acl) for key, path in keys.items()]
    return tuple(sorted(found, key=lambda each: (each.rank, each.key)))


def _object(key: str, path: str, file: File, kind: str | None, acl: str | None) -> Object:
    ending = posixpath.splitext(path)[1].lower()
    is_asset = is_immutable(path)
    if is_asset:
        rank = ASSETS
    elif ending == ".html":
        rank = FIRST_PAGE if path == "index.html" else PAGES
    else:
        rank = DATA if ending == ".txt" else FILES
    cache = IMMUTABLE if is_asset else REVALIDATED
    return Object(key, path, file.size, file.md5, kind or _TYPES.get(ending, UNKNOWN), cache, rank, acl)


def is_immutable(path: str) -> bool:
    """Whether the name changes with the content."""
    return path.startswith("_next/static/") or "/_next/static/" in path


@dataclass(frozen=True, slots=True)
class Published:
    """One release as its manifest in the bucket tells.

    signs: key -> `Object.sign`. tags: key -> the tag that the service gave where it is not the MD5 (encryption with a
    key of one's own). complete: whether all of it was uploaded. superseded: when the next one took over; None while it
    is the current one. Times are seconds since 1970.
    """

    release: str
    fingerprint: str
    build_id: str | None
    published: float
    signs: Mapping[str, str]
    tags: Mapping[str, str]
    complete: bool = True
    superseded: float | None = None

    def tag(self, key: str) -> str:
        """What a listing must show for the object."""
        return self.tags.get(key, self.signs[key].partition(" ")[0])


def changed(wanted: Sequence[Object], there: Mapping[str, str], known: Iterable[Published]) -> tuple[Object, ...]:
    """Those to upload. `there`: key -> tag of what is in the bucket. A listing shows neither type nor cache rule, so
    what no manifest tells of is taken as wrong, and also what a publication that was cut off may have changed."""
    newest = sorted(known, key=lambda published: published.published, reverse=True)

    def is_there(each: Object) -> bool:
        said = _last_statements(each.key, newest)
        signs = {published.signs[each.key] for published in said}
        return signs == {each.sign} and there.get(each.key) in {published.tag(each.key) for published in said}

    return tuple(each for each in wanted if not is_there(each))


def _last_statements(key: str, newest: Sequence[Published]) -> list[Published]:
    """What may have been uploaded last under this key: the last complete publication's, and any later attempt's."""
    found = []
    for published in newest:
        if key in published.signs:
            found.append(published)
            if published.complete:
                break
    return found


def is_intact(published: Published, there: Mapping[str, str]) -> bool:
    """Whether the bucket has the release as its manifest tells."""
    return published.complete and all(there.get(key) == published.tag(key) for key in published.signs)


def outdated(
    wanted: Sequence[Object], there: Iterable[str], known: Iterable[Published], release: str, *, keep: int,
    before: float,
) -> tuple[tuple[str, ...], tuple[Published, ...]]:  # fmt: skip
    """Keys that may go once `release`, which is `wanted`, is there; and the releases whose manifests go with them.

    Only what a manifest names is ours. Pages that are no longer made go at once. The assets of an earlier release go
    when it is none of the `keep` newest, this one counted, and was superseded before that moment."""
    known = sorted(known, key=lambda published: published.published, reverse=True)
    earlier = [published for published in known if published.release != release]
    gone = tuple(published for published in earlier[max(keep - 1, 0) :]
                 if published.superseded is not None and published.superseded < before)  # fmt: skip
    stay = {each.key for each in wanted}
    stay |= {key for published in earlier if published not in gone for key in published.signs if is_immutable(key)}
    ours = {key for published in known for key in published.signs}
    return tuple(sorted((ours & set(there)) - stay)), gone
