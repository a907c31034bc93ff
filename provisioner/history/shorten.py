"""What of a result is worth keeping for months, within bounds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

LONGEST_TEXT: Final = 16 * 1024
"""Characters. Of longer texts beginning and end are kept."""

LARGEST_RESULT: Final = 256 * 1024
"""Characters of JSON. Of a larger result only what happened is kept."""

_LEFT_OUT: Final = frozenset({"ansible_facts", "stdout_lines", "stderr_lines"})
"""Large, and either told elsewhere in the result or not what a run is looked up for."""

_OF_QUIET: Final = frozenset({"msg", "unknown", "skip_reason", "skipped_reason", "warnings", "changed", "censored"})
"""What is kept of a result that is `ok` or `skipped`: most are, and nobody asks what they said."""

_OF_HUGE: Final = _OF_QUIET | {"failed", "rc", "unreachable", "hint"}


def kept(status: str, result: Mapping[str, Any], *, loop: bool = False) -> Mapping[str, Any]:
    """`result` for the record. loop: the items tell their own results."""
    if status in ("ok", "skipped"):
        return {key: shortened(value) for key, value in result.items() if key in _OF_QUIET}
    left_out = _LEFT_OUT | {"results"} if loop else _LEFT_OUT
    short = {key: shortened(value) for key, value in result.items() if key not in left_out}
    size = len(json.dumps(short))
    if size <= LARGEST_RESULT:
        return short
    rest = {key: value for key, value in short.items() if key in _OF_HUGE}
    return {**rest, "left_out": f"the result has {size} characters: only what happened is recorded"}


def shortened(value: Any) -> Any:
    """The same as plain JSON data, with every long text cut in the middle."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        if len(value) <= LONGEST_TEXT:
            return value
        half = LONGEST_TEXT // 2
        return f"{value[:half]}\n… {len(value) - 2 * half} characters left out …\n{value[-half:]}"
    if isinstance(value, Mapping):
        return {str(key): shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shortened(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: shortened(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return str(value)
