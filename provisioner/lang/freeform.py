"""Arguments written as one text: `src=a dest="/b c" owner={{ user }}`."""

from __future__ import annotations

import re
from typing import Final

_OPENERS: Final = {"{{": "}}", "{%": "%}", "{#": "#}"}
_KEY: Final = re.compile(r"^((?:[A-Za-z_]|\{\{.*?\}\})(?:\w|\{\{.*?\}\})*)=(.*)$", re.DOTALL | re.ASCII)


#: Python's escape sequences, which words of arguments may have: `line="a\\tb"`.
_ESCAPE: Final = re.compile(
    r"\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|N\{[^}]+\}|[\\'\"abfnrtv])")


class UnbalancedError(ValueError):
    """A quote or a template that is never closed; the message says which."""


def split_words(text: str) -> list[tuple[str, int, int]]:
    """(word, start, end) of the words of `text`; quotes and `{{ … }}` keep a word together and stay in it."""
    words: list[tuple[str, int, int]] = []
    at, start, size = 0, -1, len(text)
    quote = ""
    while at < size:
        pair = text[at : at + 2]
        if pair in _OPENERS:
            start = at if start < 0 else start
            end = text.find(_OPENERS[pair], at + 2)
            if end < 0:
                raise UnbalancedError(f"`{pair}` is never closed")
            at = end + 2
            continue
        character = text[at]
        if character == "\\" and at + 1 < size:
            start = at if start < 0 else start
            at += 2
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            start = at if start < 0 else start
            quote = character
        elif character.isspace():
            if start >= 0:
                words.append((text[start:at], start, at))
                start = -1
        elif start < 0:
            start = at
        at += 1
    if quote:
        raise UnbalancedError(f"the quote {quote} is never closed")
    if start >= 0:
        words.append((text[start:], start, size))
    return words


def unquote(word: str) -> str:
    """The word without the quotes around it, if one pair encloses it whole."""
    if len(word) >= 2 and word[0] == word[-1] and word[0] in "'\"" and word[-2] != "\\":
        return word[1:-1]
    return word


def _decoded(word: str) -> str:
    """The word with what its escape sequences stand for; those that stand for nothing are left as they are."""
    return _ESCAPE.sub(_meant, word)


def _meant(escape: re.Match[str]) -> str:
    try:
        return escape.group().encode("ascii").decode("unicode_escape")
    except UnicodeError:  # `\N{…}` of no character, `\U` of a number that is too large
        return escape.group()


def _argument(word: str) -> tuple[str, str] | None:
    """Name and value of a `key=value` word."""
    match = _KEY.match(_decoded(word))
    return (match.group(1), unquote(match.group(2))) if match else None


def split_arguments(text: str) -> tuple[dict[str, str], list[str]]:
    """`key=value` words, and the words that are none."""
    arguments: dict[str, str] = {}
    others: list[str] = []
    for word, _, _ in split_words(text):
        if argument := _argument(word):
            arguments[argument[0]] = argument[1]
        else:
            others.append(word)
    return arguments, others


def split_raw(text: str, options: frozenset[str]) -> tuple[str, dict[str, str]]:
    """The free text without the `key=value` words named in `options`, and those.

    The text is kept as written, its last newline too: spaces, quotes and newlines belong to the command. Only a
    backslash that stands alone at the end of a line goes, with the newline: what splits a command without a shell
    would take that newline for a word.
    """
    try:
        words = split_words(text)
    except UnbalancedError:
        return text, {}  # a shell may make sense of it, as a here-document does
    taken: dict[str, str] = {}
    kept: list[str] = []
    position = 0
    for word, start, end in words:
        gap, position = text[position:start], end
        argument = _argument(word)
        if argument and argument[0] in options:
            taken[argument[0]] = argument[1]
            continue
        rest = _continued(word)
        if taken and not kept:
            gap = ""
        kept.append(gap[:-1] if word and not rest else gap + rest)
    kept.append(text[position:])
    return "".join(kept), taken


def _continued(word: str) -> str:
    """The word without the ends of lines that are before it."""
    while word.startswith("\\\n"):
        word = word[2:]
    return word
