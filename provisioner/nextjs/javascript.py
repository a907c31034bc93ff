"""Just enough understanding of JavaScript and TypeScript to look for calls: comments away, brackets matched. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

EXTENSIONS = (".js", ".ts", ".mjs", ".mts", ".cjs", ".cts", ".jsx", ".tsx")
_LONGEST_WORD = 40  # a string that is longer, or has a space, is prose and no name of anything
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%~^<>") | {""}
_CLOSING = {"(": ")", "{": "}", "[": "]"}


def code_only(text: str) -> str:
    """`text` with comments, regular expressions and strings of prose blanked; every position stays what it was."""
    pieces: list[str] = []
    position = 0
    for start, end in _quiet_parts(text):
        pieces.append(text[position:start])
        pieces.append(re.sub(r"[^\n]", " ", text[start:end]))
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def _quiet_parts(text: str) -> Iterator[tuple[int, int]]:
    position, last, size = 0, "", len(text)
    while position < size:
        char = text[position]
        if char in "'\"`":
            end = _string_end(text, position)
            if end - position > _LONGEST_WORD or " " in text[position:end]:
                yield position, end
            position, last = end, char
        elif char == "/" and text[position + 1 : position + 2] == "/":
            end = text.find("\n", position)
            end = size if end < 0 else end
            yield position, end
            position = end
        elif char == "/" and text[position + 1 : position + 2] == "*":
            end = text.find("*/", position + 2)
            end = size if end < 0 else end + 2
            yield position, end
            position = end
        elif char == "/" and last in _BEFORE_REGEX:
            end = _regex_end(text, position)
            yield position, end
            position, last = end, ")"
        else:
            if not char.isspace():
                last = char
            position += 1


def _string_end(text: str, start: int) -> int:
    quote, position = text[start], start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text[position] == quote:
            return position + 1
        elif text[position] == "\n" and quote != "`":
            return position  # not closed: an apostrophe in JSX text
        else:
            position += 1
    return len(text)


def _regex_end(text: str, start: int) -> int:
    """Past the closing slash; just past the opening one when there is none in the line (it was a division)."""
    found = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/").match(text, start)
    return found.end() if found else start + 1


def enclosed(code: str, opening: int) -> str:
    """What stands between the bracket at `opening` and its partner, of blanked code; the rest when it has none."""
    depth, position = 0, opening
    while position < len(code):
        char = code[position]
        if char in "'\"`":
            position = _string_end(code, position)
            continue
        if char in _CLOSING:
            depth += 1
        elif char in ")}]":
            depth -= 1
            if depth == 0:
                return code[opening + 1 : position]
        position += 1
    return code[opening + 1 :]


def definition(code: str, name: str) -> str | None:
    """The body of the function `name` that this file defines."""
    word = re.escape(name)
    found = re.search(rf"\bfunction\s*\*?\s*{word}\s*\(|\b{word}\s*=\s*(?:async\s*)?(?:function\b[^(]*)?\(", code)
    if found is None:
        return None
    rest_at = found.end() - 1 + len(enclosed(code, found.end() - 1)) + 2
    brace = re.compile(r"[^{;]*?(?:=>\s*)?\{").match(code, rest_at)
    if brace:
        return enclosed(code, brace.end() - 1)
    arrow = re.compile(r"[^;\n]*").match(code, rest_at)
    return arrow[0] if arrow else None


def imported(code: str) -> Iterator[str]:
    """Module names in `import … from`, `import()`, `export … from` and `require()`."""
    for found in re.finditer(r"(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['\"`])([^'\"`\n]+)\1", code):
        yield found[2]


def resolve(name: str, importer: str, files: Collection[str]) -> str | None:
    """The file of the app that `name` means in `importer`, or None for a package."""
    if name.startswith("."):
        bases = [posixpath.join(posixpath.dirname(importer), name)]
    else:
        bare = re.sub(r"^[@~]/", "", name)
        bases = [bare, f"src/{bare}"]
    for base in map(posixpath.normpath, bases):
        stem = re.sub(r"\.[cm]?jsx?$", "", base)
        for candidate in (base, *(stem + ext for ext in EXTENSIONS), *(f"{base}/index{ext}" for ext in EXTENSIONS)):
            if candidate in files:
                return candidate
    return None
