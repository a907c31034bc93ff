"""A diagnostic as plain text: the place, what is wrong, the line with a caret, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from provisioner.diag import Diagnostic, Span
from provisioner.ui.escape import columns, visible, visible_message

#: Gives a line of a file without its newline; None when the file or the line is not there.
ReadLine: TypeAlias = Callable[[str, int], str | None]

_WIDTH: Final = 100
_TAB: Final = 4


def codeframe(diagnostic: Diagnostic, read_line: ReadLine) -> str:
    """The whole message, several lines, without a newline at the end.

        site.yml:4:7: error: Unknown keyword
          'wehn' is not a valid attribute for a Task
            4 |       wehn: false
              |       ^
          did you mean `when`?
    """
    head = f"{diagnostic.severity}: {visible_message(diagnostic.summary)}"
    lines = [f"{visible(str(diagnostic.span))}: {head}" if diagnostic.span else head]
    lines += [f"  {visible(line)}" for line in diagnostic.detail.splitlines()]
    if diagnostic.span:
        lines += _quote(diagnostic.span, read_line)
    for label, span in diagnostic.related:
        lines.append(f"  {visible(label)}: {visible(str(span))}")
        lines += _quote(span, read_line)
    if diagnostic.hint:
        lines += [f"  {visible(line)}" for line in diagnostic.hint.splitlines()]
    return "\n".join(lines)


def codeframes(diagnostics: Iterable[Diagnostic], read_line: ReadLine) -> str:
    """Several messages, an empty line between them, and the number of errors where there are several."""
    items = list(diagnostics)
    frames = [codeframe(item, read_line) for item in items]
    errors = sum(item.severity == "error" for item in items)
    if errors > 1:
        frames.append(f"{errors} errors")
    return "\n\n".join(frames)


def read_file_line(path: str, number: int) -> str | None:
    """A `ReadLine` for files on disk."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for at, line in enumerate(file, 1):
                if at == 1 and line.startswith("$ANSIBLE_VAULT;"):
                    return None  # places in it are those of the decrypted text
                if at == number:
                    return line.rstrip("\r\n")
    except (OSError, ValueError):
        pass  # the message stands without its line
    return None


def read_line_of_run(path: str, number: int) -> str | None:
    """A `ReadLine` for what goes wrong in runs: nothing of a file with `no_log`, as lines quoted for one task may be
    those of another."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            if any("no_log" in line for line in file):
                return None
    except (OSError, ValueError):
        return None
    return read_file_line(path, number)


def lines_at(file: str, line: int, column: int, read_line: ReadLine, above: int) -> list[str]:
    """The line and those above it, with their numbers; under it a caret, unless the column is 0.

        4 |   tasks:
        5 |   - block:
        6 |     - name: Start
          |       ^
    """
    numbers = range(max(line - above, 1), line)
    quoted = [(number, text) for number in numbers if (text := read_line(file, number)) is not None]
    width = max(5, len(str(line)))
    last = _quote(Span(file, line, max(column, 1)), read_line)
    return [*(f"{number:{width}} | {_clean(text)[:_WIDTH]}".rstrip() for number, text in quoted),
            *(last if column else last[:1])] if last else []  # fmt: skip


def _quote(span: Span, read_line: ReadLine) -> list[str]:
    source = read_line(span.file, span.line)
    if source is None:
        return []
    before, rest = source[: span.column - 1], source[span.column - 1 :]
    left, right = _clean(before), _clean(rest)
    if len(left) + len(right) > _WIDTH:  # a long line: a window around the place
        if len(left) > _WIDTH // 2:
            left = "…" + left[-(_WIDTH // 2) :]
        right = right[: _WIDTH - len(left)] + ("…" if len(right) > _WIDTH - len(left) else "")
    number = str(span.line)
    margin = " " * max(5 - len(number), 2)
    caret = " " * columns(left) + "^"
    return [f"{margin}{number} | {left}{right}".rstrip(), f"{margin}{' ' * len(number)} | {caret}"]


def _clean(text: str) -> str:
    return visible(text.replace("\t", " " * _TAB))
