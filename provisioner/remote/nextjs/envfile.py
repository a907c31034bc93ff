"""The text of a systemd EnvironmentFile, and its difference to another without the values."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping

MASK = "********"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ESCAPED = re.compile(r'(["\\`$])')


def render(values: "Mapping[str, str]") -> str:
    """`KEY="value"` lines, sorted. Inside double quotes systemd takes everything literally but the four escaped
    characters, line breaks too, so no value can add a variable of its own."""
    lines = ['%s="%s"\n' % (key, _ESCAPED.sub(r"\\\1", values[key])) for key in sorted(values)]
    return "".join(lines)


def unfit(values: "Mapping[str, str]") -> "List[str]":
    """Names whose values systemd would drop: those with control characters other than tab and line break."""
    return sorted(name for name, value in values.items() if _CONTROL.search(value))


def parse(text: str) -> "Dict[str, str]":
    """What `render` wrote; lines of other forms are left out."""
    found = re.findall(r'^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$', text, re.MULTILINE | re.DOTALL)
    return {key: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for key, value in found}


def difference(before: str, after: str, shown: "Mapping[str, str]") -> "tuple[str, str]":
    """The two files for a diff. Only values in `shown` (the ones that are not secret) appear; of the others just
    whether they are the same."""
    old, new = parse(before), parse(after)

    def line(key: str, value: str, other: "Mapping[str, str]", label: str) -> str:
        if shown.get(key) == value:
            return "%s=%s\n" % (key, value)
        return "%s=%s\n" % (key, MASK if other.get(key) == value else "%s (%s)" % (MASK, label))

    return (
        "".join(line(key, old[key], new, "old") for key in sorted(old)),
        "".join(line(key, new[key], old, "new") for key in sorted(new)),
    )
