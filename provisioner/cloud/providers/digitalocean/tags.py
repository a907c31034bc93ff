"""What tags remember: DigitalOcean keeps nothing else for us that is there from the first moment.

    provision:site:<site>                     whose it is
    provision:name:<name>                     which one
    provision:generation:<n>                  which of its name
    provision:token:<token>                   which attempt made it: looked for before anything is made again
    provision:firewall:<site>:<region>:<name> the firewall is for what has this tag, so a droplet is never without it
    provision:protected                       not to be deleted
    provision:<memory>:<value>                image, keys, user-data, user, groups as they were declared
    <key>:<value>, <key>                      the user's own

A tag has letters, digits, `:`, `-` and `_`, 255 at most, and the first spelling of one counts for the whole account: in
ours everything but small letters, digits and dashes is written as `_` and two hexadecimal digits a byte. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from provisioner.cloud.errors import Refused

OURS: Final = "provision"
PROTECTED: Final = f"{OURS}:protected"
MEMORIES: Final = ("image", "keys", "user_data", "user", "groups")
LONGEST: Final = 255


def escape(text: str, *, capitals: bool = False) -> str:
    plain = r"[^A-Za-z0-9-]" if capitals else r"[^a-z0-9-]"
    return re.sub(plain, lambda match: "".join(f"_{byte:02x}" for byte in match[0].encode()), text)


def plain(text: str) -> str:
    """The opposite of `escape`; of what was written by others as much as can be understood."""
    bytewise = re.sub(rb"_([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode())
    return bytewise.decode(errors="replace")


def tag(*parts: str) -> str:
    """One of ours."""
    return _fitting(":".join((OURS, *map(escape, parts))), parts[0])


def values(tags: Iterable[str], *start: str) -> list[tuple[str, ...]]:
    """What stands behind `start` in each of our tags that begin with it."""
    begin = tag(*start) + ":"
    return [tuple(map(plain, each[len(begin):].split(":"))) for each in tags if each.startswith(begin)]


def value(tags: Iterable[str], *start: str) -> str | None:
    """Where an interrupted change has left two, both are given: that differs from anything wanted."""
    found = sorted(":".join(each) for each in values(tags, *start))
    return "+".join(found) if found else None


def own(tags: Iterable[str]) -> dict[str, str]:
    """The user's."""
    pairs = (each.partition(":") for each in tags if not is_ours(each))
    return {plain(key): plain(text) for key, _, text in pairs}


def is_ours(name: str) -> bool:
    return name.startswith(f"{OURS}:")


def own_tags(wanted: Mapping[str, Any]) -> list[str]:
    made = []
    for key, text in wanted.items():
        if not key or key.lower() == OURS:
            raise Refused(f"a tag can't be called {key!r}", hint=f"{OURS}:… are the tags of this tool")
        parts = (escape(key, capitals=True), escape(str(text), capitals=True))
        made.append(_fitting(":".join(parts if text != "" else parts[:1]), f"tag {key}"))
    return made


def field_tags(name: str, fields: Mapping[str, Any], firewall: str | None) -> list[str]:
    """The tags that hold one field of a machine. firewall: the tag of the machine's one."""
    content = fields.get(name)
    if name == "tags":
        return own_tags(content or {})
    if name == "protected":
        return [PROTECTED] if content else []
    if name == "firewall":
        return [firewall] if firewall else []
    return [tag(_dashed(name), str(content))] if name in MEMORIES and content not in (None, "") else []


def memory(tags: Iterable[str], name: str) -> str | None:
    return value(tags, _dashed(name))


def holds(name: str, each: str) -> bool:
    """Whether the tag `each` holds the field `name` of a machine."""
    if name == "tags":
        return not is_ours(each)
    return each == PROTECTED if name == "protected" else each.startswith(f"{OURS}:{_dashed(name)}:")


def changes(present: Sequence[str], wanted: Sequence[str], fields: Iterable[str]) -> tuple[list[str], list[str]]:
    """What is to be added and then taken away, for these fields; in that order nothing is ever forgotten."""
    added = [each for each in wanted if each not in present]
    gone = [each for each in present if each not in wanted and any(holds(name, each) for name in fields)]
    return added, gone


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _fitting(name: str, what: str) -> str:
    if len(name) > LONGEST:
        raise Refused(f"{what} is too long for a tag of DigitalOcean: {len(name)} characters, {LONGEST} are possible")
    return name
