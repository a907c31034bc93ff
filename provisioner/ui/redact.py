"""Masks secrets in events before any sink sees them. Besides the transport the only place that unwraps a `Secret`."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

from provisioner.values import Secret

MASK: Final = "********"

SHORTEST: Final = 4
"""Shorter secrets are not masked: hiding every "1" would tell more than it hides and make output unreadable."""

_SHORTEST_LINE: Final = 8
"""Of a secret with several lines each line is masked too, if it is at least this long (not `}` or `true`)."""

_SHORTEST_CORE: Final = 8
"""Base64 characters that belong to a secret alone, wherever it stands inside of longer encoded data."""

_MIME: Final = 76
_DEPTH: Final = 60

#: Our own words in events, never text of a user or a host; and names of hosts, by which output is read.
_OWN_FIELDS: Final = frozenset({"status", "stream", "id", "module", "run", "version", "host", "hosts", "delegate",
                                "stats", "round_trips"})

#: Names in results by which sinks find their way; a password "changed" must not hide what has changed.
_OWN_KEYS: Final = frozenset({"changed", "failed", "skipped", "unreachable", "unknown", "results", "msg", "hint",
                              "stdout", "stderr", "stdout_lines", "stderr_lines", "rc", "cmd", "diff", "before",
                              "after", "before_header", "after_header", "warnings", "exception", "item", "censored"})

_T = TypeVar("_T")


class Redactor:
    """Knows the secrets of a run. `learn` may be called from any thread, `clean` from the one that emits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._needles: tuple[str, ...] = ()

    def learn(self, value: object) -> None:
        """Remember every `Secret` inside `value`, at any depth of mappings, sequences, sets and dataclasses."""
        found = {secret.reveal() for secret in _secrets(value, 0)} - self._secrets
        if not found:
            return
        with self._lock:
            self._secrets |= found
            forms = {form for secret in found for form in forms_of(secret)}
            self._needles = tuple(forms.union(self._needles))

    def clean(self, event: _T) -> _T:
        """`event` with every known secret masked, in any of its forms; the same object when there is none in it."""
        needles = self._needles
        if not needles:
            return event
        texts: list[str] = []
        _collect(event, texts)
        # Nearly all events hold no secret: one search of all their text at once, at the speed of C.
        joined = "\0".join(texts)
        present = [needle for needle in needles if needle in joined]
        if not present:
            return event
        cleaned: _T = _rebuild(event, present)
        return cleaned

    def cut(self, text: str, at: int) -> int:
        """The last place up to `at` where `text` can be cut without cutting a secret in two."""
        moved = True
        while moved:
            moved = False
            for needle in self._needles:
                start = text.find(needle, max(at - len(needle) + 1, 0), at + len(needle) - 1)
                if 0 <= start < at:
                    at, moved = start, True
        return at

    def clean_text(self, text: str) -> str:
        """The same for one text."""
        return mask(text, [needle for needle in self._needles if needle in text])


def mask(text: str, needles: Iterable[str]) -> str:
    """`text` with every occurrence of `needles` masked; what overlaps or touches is one mask."""
    spans: list[tuple[int, int]] = []
    for needle in needles:
        at = text.find(needle)
        while at >= 0:
            spans.append((at, at + len(needle)))
            at = text.find(needle, at + 1)
    if not spans:
        return text
    parts, end = [], 0
    last_end = -1
    for start, stop in sorted(spans):
        if start > last_end:
            parts += [text[end:start], MASK]
        last_end = max(last_end, stop)
        end = last_end
    return "".join(parts) + text[end:]


# -- the forms in which a secret may show ------------------------------------------------------------------------

def forms_of(secret: str) -> set[str]:
    """Everything to look for: the text, its lines, and how encoders and quoters would write it."""
    stripped = secret.strip()
    if len(stripped) < SHORTEST:
        return set()
    forms: set[str] = set()
    for text in {secret, stripped}:
        forms |= {text, text[::-1]}
        forms.update(_escaped(text))
        data = text.encode("utf-8", "surrogateescape" if _is_undecoded(text) else "backslashreplace")
        forms |= {data.hex(), data.hex().upper(), data.hex(":"), data.hex(" ")}
        forms.update(_base64(data))
    lines = [line.strip() for line in stripped.splitlines()]
    if len(lines) > 1:
        for line in lines:
            if len(line) >= _SHORTEST_LINE:
                forms |= {line, line[::-1], *_escaped(line)}
    return {form for form in forms if len(form) >= SHORTEST}


def _escaped(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    yield repr(text)[1:-1]
    yield shlex.quote(text)
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield re.sub(r"([\\\"$`])", r"\\\1", text)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)
    yield html.escape(text)
    yield html.escape(text, quote=False)
    for quoted in (quote(text, safe="", errors="replace"), quote(text, errors="replace"),
                   quote_plus(text, errors="replace")):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _base64(data: bytes) -> Iterator[str]:
    """What of it can be told from base64 alone: at each of three offsets in longer data, whole, and in lines."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode("ascii")
        yield whole
        for line in (whole[at : at + _MIME] for at in range(0, len(whole), _MIME)):
            if len(line) >= _SHORTEST_CORE:
                yield line
        for offset in range(3):
            encoded = encode(b"\0" * offset + data).decode("ascii")
            first = -(-offset * 8 // 6)  # the first character without a bit of what stands before
            core = encoded[first : (offset + len(data)) * 8 // 6]
            if len(core) >= _SHORTEST_CORE:
                yield core


def _is_undecoded(text: str) -> bool:
    return all(not "\ud800" <= char <= "\udfff" or "\udc80" <= char <= "\udcff" for char in text)


# -- walking -----------------------------------------------------------------------------------------------------

def _secrets(value: object, depth: int) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, (str, bytes, int, float)) or value is None or depth > _DEPTH:
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(key, depth + 1)
            yield from _secrets(item, depth + 1)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _secrets(item, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _secrets(getattr(value, field.name), depth + 1)


def _collect(value: Any, texts: list[str]) -> None:
    """All texts in an event that may hold a secret; numbers too, as a numeric password may have become one."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _collect(key, texts)
            _collect(item, texts)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            _collect(item, texts)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.name not in _OWN_FIELDS:
                _collect(getattr(value, field.name), texts)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        texts.append(str(value))


def _rebuild(value: Any, needles: list[str]) -> Any:
    if isinstance(value, str):
        return mask(value, needles)
    if isinstance(value, Mapping):
        return {key if key in _OWN_KEYS else _rebuild(key, needles): _rebuild(item, needles)
                for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_rebuild(item, needles) for item in value)
    if isinstance(value, Secret):
        return MASK
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)
                  if field.name not in _OWN_FIELDS}
        return dataclasses.replace(value, **{name: _rebuild(item, needles) for name, item in fields.items()
                                             if not isinstance(item, (int, float))})
    if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in needles:
        return MASK
    return value
