"""Results as text: Ansible's one line of JSON, and a block for people below a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from provisioner.diag import PlayError
from provisioner.ui.codeframe import ReadLine, lines_at, read_line_of_run
from provisioner.ui.escape import visible, visible_json, visible_lines

TAIL: Final = 10
"""How many of the last lines a failure shows."""

_PLACED: Final = re.compile(r"([^\s:]+:\d+:\d+): (.*)")
_PLACE: Final = re.compile(r"(.+?):(\d+)(?::(\d+))?")
_LONG_TEXT: Final = 10_000

#: Not shown: said otherwise already, or only of use to programs.
_HIDDEN: Final = frozenset({"failed", "skipped", "unknown", "invocation", "exception", "predictions", "warnings",
                            "deprecations", "diff"})


def dump(result: Mapping[str, Any], verbosity: int = 0, *, pretty: bool = False) -> str:
    """A result as JSON, keys sorted, safe to show. `pretty` or -vvv: indented by four.

    `stdout_lines` and `stderr_lines` are left out where the text itself is there, and long texts are cut in the
    middle; -vvv shows all. What the line says in words already (`failed`, `skipped`) is not repeated.
    """
    everything = verbosity > 2
    shown = {key: value if everything else _shortened(value) for key, value in result.items()
             if not _is_hidden(key, result, everything)}
    return to_json(shown, indent=4 if pretty or everything else None)


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON text that is safe to show; whatever is not JSON becomes text."""
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent, default=_other)
    except TypeError:  # keys of several types can't be sorted
        text = json.dumps(value, ensure_ascii=False, indent=indent, default=_other, skipkeys=True)
    return visible_json(text)


def failure_head(result: Mapping[str, Any], place: str, read_line: ReadLine) -> list[str]:
    """Lines above a failure: the first of its message, and where it came from, with the file's lines there unless the
    result is to be kept to itself. place: of the task.

    Above the line itself stand others only of the file of tasks: in a file of variables they may be passwords.
    """
    tasks = _PLACE.fullmatch(place)
    message = result.get("msg")
    told = next(iter(visible_lines(message)), "") if isinstance(message, str) else ""
    found = _PLACED.match(told)
    if found:
        place, told = found.groups()
    head = f"[ERROR]: Task failed: {told}" if told else "[ERROR]: Task failed"
    found = _PLACE.fullmatch(place)
    frame: list[str] = []
    if found and "censored" not in result:
        above = 2 if tasks and tasks[1] == found[1] else 0
        frame = lines_at(found[1], int(found[2]), int(found[3] or 0), read_line, above)
    return _with_origin(head, place, frame)


def play_error(error: PlayError) -> list[str]:
    """The same of what ends a run."""
    span = error.span
    frame = lines_at(span.file, span.line, span.column, read_line_of_run, 2) if span else []
    hint = [f"  | hint: {visible(error.hint)}"] if error.hint else []
    return [*_with_origin(f"[ERROR]: {visible(error.message)}", str(span or ""), frame), *hint]


def _with_origin(head: str, place: str, frame: Sequence[str]) -> list[str]:
    return [head, *([f"Origin: {visible(place)}"] if place else []), "", *([*frame, ""] if frame else [])]


def failure_block(result: Mapping[str, Any], seen: Sequence[str] = (), *, live: bool = False,
                  verbosity: int = 0) -> list[str]:
    """Lines for people below a failure: message, hint, ends of the output that were not shown yet.

    seen: the last lines of live output, used where the result has none. live: that output was printed while it came.
    """
    block: list[str] = []
    message = result.get("msg")
    told = visible_lines(message) if isinstance(message, str) else []
    if len(told) > 1:
        block += told
    hint = result.get("hint")
    if isinstance(hint, str) and hint:
        block += [f"hint: {text}" if not at else f"      {text}" for at, text in enumerate(visible_lines(hint))]
    if not live:
        block += _output(result, seen)
    if verbosity > 2 and isinstance(result.get("exception"), str):
        block += ["exception:", *(f"  {text}" for text in visible_lines(result["exception"]))]
    return [f"  | {text}".rstrip() for text in block]


def _output(result: Mapping[str, Any], seen: Sequence[str]) -> list[str]:
    block: list[str] = []
    for stream in ("stderr", "stdout"):
        text = result.get(stream)
        if isinstance(text, str) and text.strip():
            block += _tail(stream, visible_lines(text.rstrip()))
    if not block and seen:
        block = _tail("output", list(seen))
    return block


def _tail(title: str, lines: list[str]) -> list[str]:
    left_out = len(lines) - TAIL
    head = f"{title}:" if left_out <= 0 else f"{title}, the last {TAIL} of {len(lines)} lines:"
    return [head, *(f"  {line}" for line in lines[-TAIL:])]


def live_lines(text: str) -> list[str]:
    """Lines of live output, safe to show; a carriage return starts a new one, as progress bars do."""
    return [line for line in visible_lines(text.replace("\r", "\n")) if line.strip()]


def names(values: Iterable[str]) -> str:
    return ", ".join(map(visible, values))


def _is_hidden(key: object, result: Mapping[str, Any], everything: bool) -> bool:
    if not isinstance(key, str):
        return False
    if key.startswith("_ansible_") or (key in _HIDDEN and not (everything and key == "invocation")):
        return True
    return not everything and key.endswith("_lines") and key.removesuffix("_lines") in result


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONG_TEXT:
        half = _LONG_TEXT // 2
        return f"{value[:half]} … ({len(value) - 2 * half} characters left out) … {value[-half:]}"
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortened(item) for item in value]
    return value


def _other(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Sequence):
        return list(value)
    return str(value)
