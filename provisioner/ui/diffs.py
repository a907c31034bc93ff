"""Diffs of results as unified text."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.ui.colours import Paint
from provisioner.ui.escape import visible, visible_lines

_NO_NEWLINE: Final = "\\ No newline at end of file"

#: Why there is no diff, with what the field's value says.
_REASONS: Final[Mapping[str, str]] = {
    "dst_binary": "diff skipped: destination file appears to be binary",
    "src_binary": "diff skipped: source file appears to be binary",
    "dst_larger": "diff skipped: destination file size is greater than {}",
    "src_larger": "diff skipped: source file size is greater than {}",
}


def diffs_of(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The diffs in a result: none, one or several; without those of modules that give one though nothing differs."""
    found = result.get("diff")
    several = found if isinstance(found, (list, tuple)) else [found]
    return [diff for diff in several if isinstance(diff, Mapping) and diff and not _is_of_nothing(diff)]


def _is_of_nothing(diff: Mapping[str, Any]) -> bool:
    return diff.keys() == {"before", "after"} and diff["before"] == diff["after"]


def render(diff: Mapping[str, Any], paint: Paint) -> str:
    """One diff as text of several lines, empty when nothing differs. `prepared` text is shown as it is."""
    parts = [reason.format(diff[key]) for key, reason in _REASONS.items() if diff.get(key)]
    if "before" in diff and "after" in diff:
        parts += [paint(line, _kind(line)) for line in _unified(diff)]
    if isinstance(diff.get("prepared"), str):
        parts += [paint(line, _kind(line)) for line in visible_lines(diff["prepared"])]
    return "\n".join(parts)


def _unified(diff: Mapping[str, Any]) -> Iterator[str]:
    before, after = (_lines(_text(diff[side])) for side in ("before", "after"))
    if before == after:
        return
    old, new = (_header(diff, side) for side in ("before", "after"))
    for line in difflib.unified_diff(before, after, old, new, lineterm="\n"):
        yield from visible_lines(line) or [""]
        if not line.endswith("\n"):
            yield _NO_NEWLINE


def _header(diff: Mapping[str, Any], side: str) -> str:
    header = diff.get(f"{side}_header")
    return f"{side}: {visible(str(header))}" if header else side


def _text(value: Any) -> str:
    """A side of a diff: text as it is, data as indented JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, indent=4, ensure_ascii=False, default=str) + "\n"


def _lines(text: str) -> list[str]:
    """Lines with their ends. Only newlines divide: `str.splitlines` would also cut at a form feed."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _kind(line: str) -> str:
    return {"+": "added", "-": "removed", "@": "lines"}.get(line[:1], "")
