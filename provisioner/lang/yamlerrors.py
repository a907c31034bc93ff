"""Saying in plain words what is wrong with a file that is not YAML."""

from __future__ import annotations

import re
from typing import Any

from provisioner.diag import Diagnostic, Span

_HINTS: tuple[tuple[str, str, str], ...] = (
    # part of libyaml's problem, what it means, what to do
    ("mapping values are not allowed", "a `: ` where none is possible", "quote the value, or check the indentation"),
    ("did not find expected '-' indicator", "the list stops here, but the indentation says it goes on",
     "line this up with the other entries"),
    ("did not find expected key", "the mapping stops here, but the indentation says it goes on",
     "line this up with the keys above; a value that starts with a quote must end with it"),
    ("could not find expected ':'", "a key without `: ` after it", "add the colon, or indent the text under its key"),
    ("found unexpected end of stream", "a quote or a bracket is never closed", ""),
    ("while scanning a quoted scalar", "a quote is never closed", ""),
    ("found unknown escape character", "a backslash in double quotes starts an escape", "use single quotes"),
    ("did not find expected ',' or", "a comma is missing, or the bracket is never closed", ""),
    ("found character that cannot start any token", "this character cannot start a value", "quote the value"),
    ("block sequence entries are not allowed", "a `- ` is not possible here", "start the list on a line of its own"),
    ("did not find expected <document start>", "the text before this is already a whole document",
     "check the indentation of this line"),
    ("control characters are not allowed", "the file holds a control character", "remove it"),
)


def explain(error: Any, text: str, file: str) -> Diagnostic:
    """A diagnostic for PyYAML's error, with the tab or the missing quotes named if that is the cause."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = " ".join(str(part) for part in (getattr(error, "context", None), getattr(error, "problem", None)) if part)
    if mark is None:
        return _unreadable(error, text, file)
    lines = text.splitlines()
    context = getattr(error, "context_mark", None)
    at_end = mark.line >= len(lines)
    if context is not None and (at_end or "end of stream" in problem):
        mark = context  # the end of the file tells nobody where the quote or bracket was opened
    span = Span(file, mark.line + 1, mark.column + 1)
    return (
        _tab(lines, mark.line, file)
        or _unquoted_template(lines, mark.line, file)
        or _known(problem, span, error)
        or Diagnostic("Invalid YAML", problem or "the text is not YAML", span)
    )


def _unreadable(error: Any, text: str, file: str) -> Diagnostic:
    position = getattr(error, "position", 0) or 0
    line = text.count("\n", 0, position) + 1
    character = getattr(error, "character", None)
    what = f"the character U+{character:04X} is not allowed" if isinstance(character, int) else str(error)
    return Diagnostic("Invalid YAML", what.splitlines()[0] if what else "not readable", Span(file, line), "remove it")


def _tab(lines: list[str], number: int, file: str) -> Diagnostic | None:
    for at in (number, number - 1):
        if 0 <= at < len(lines):
            indent = re.match(r"[ \t]*", lines[at])
            column = indent.group().find("\t") if indent else -1
            if column >= 0:
                detail = f"a tab at column {column + 1}; YAML indents with spaces only"
                return Diagnostic("Tab in the indentation", detail, Span(file, at + 1, column + 1), "use spaces")
    return None


def _unquoted_template(lines: list[str], number: int, file: str) -> Diagnostic | None:
    for at in (number, number - 1):
        if 0 <= at < len(lines):
            found = re.match(r"""^\s*(?:-\s+)*(?:[^\s"'#][^"'#]*?:\s+|-\s+)(\{\{.*)$""", lines[at])
            if found:
                span = Span(file, at + 1, found.start(1) + 1)
                hint = f'quote it: "{found.group(1).strip()}"' if '"' not in found.group(1) else "quote the whole value"
                return Diagnostic("Template without quotes", "YAML reads `{{` as the start of a mapping", span, hint)
            quoted = re.match(r"""^[^#]*?[:-]\s+((["'])[^"']*\2)\s*[^\s#,\]}:].*$""", lines[at])
            if quoted and "{{" in lines[at]:
                span = Span(file, at + 1, quoted.start(1) + 1)
                return Diagnostic("Text after the closing quote", "a value that starts with a quote ends with it", span,
                                  "quote the whole value")
    return None


def _known(problem: str, span: Span, error: Any) -> Diagnostic | None:
    for part, meaning, hint in _HINTS:
        if part in problem:
            related: tuple[tuple[str, Span], ...] = ()
            context = getattr(error, "context_mark", None)
            if context is not None and context.line + 1 != span.line:
                related = (("it starts here", Span(span.file, context.line + 1, context.column + 1)),)
            return Diagnostic("Invalid YAML", meaning, span, hint, related=related)
    return None
