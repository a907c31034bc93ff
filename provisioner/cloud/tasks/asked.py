"""What a task asks for and what it gets, for all clouds alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from provisioner.cloud.errors import Refused
from provisioner.remote.spec import Arguments

Result = dict[str, Any]


class NotYet(Refused):
    """Something the task names is not there: in check mode an earlier task may be about to make it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """environment: of the task. tell: a line for the live area."""

    a: Arguments
    check: bool
    diff: bool
    environment: Mapping[str, str]
    tell: Callable[[str], None]
    warn: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it should be, and the call that mends it."""

    name: str
    before: Any
    after: Any
    make: Callable[[], object]


def carried_out(asked: Asked, changes: Iterable[Change]) -> Result:
    """`changed` and `diff`; in check mode nothing else is done."""
    changes = list(changes)
    if not asked.check:
        for change in changes:
            change.make()
    return told(asked, {each.name: each.before for each in changes}, {each.name: each.after for each in changes})


def told(asked: Asked, before: Mapping[str, Any], after: Mapping[str, Any]) -> Result:
    result: Result = {"changed": before != after}
    if asked.diff and before != after:
        result["diff"] = {"before": dict(before), "after": dict(after)}
    return result


_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def plain(value: Any) -> Any:
    """What boto3 gives, in the form that tasks expect: `public_ip_address`, tags as a mapping, times as text."""
    if isinstance(value, Mapping):
        return {_WORDS.sub("_", key).lower(): _tags(item) if key == "Tags" else plain(item)
                for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _tags(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in listed}
