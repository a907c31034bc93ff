"""Text: regular expressions, quoting, comments, splitting, booleans out of words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.template.checks import as_boolean
from provisioner.values import Value


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(value: Value = "", pattern: str = "", replacement: str = "", ignorecase: bool = False,
                  multiline: bool = False, count: int = 0, mandatory_count: int = 0) -> str:
    """
    >>> regex_replace("foo=bar", "^(.*)=(.*)$", r"\\2:\\1")
    'bar:foo'
    """
    text, done = re.subn(pattern, replacement, str(value), count=count, flags=_flags(ignorecase, multiline))
    if mandatory_count and done != mandatory_count:
        raise ValueError(f"'{pattern}' should match {mandatory_count} times, but matches {done} times")
    return text


def regex_search(value: Value, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Value:
    """The first match, or the groups named (`\\\\1`, `\\\\g<name>`) as a list; None without a match.

    >>> regex_search("foobar", "o+")
    'oo'
    >>> regex_search("foobar", "(o+)(b)", "\\\\1", "\\\\2")
    ['oo', 'b']
    """
    found = re.search(regex, str(value), _flags(ignorecase, multiline))
    if found is None:
        return None
    wanted: list[str | int] = []
    for group in groups:
        named, numbered = re.fullmatch(r"\\g<(\S+)>", group), re.fullmatch(r"\\(\d+)", group)
        if named is None and numbered is None:
            raise ValueError(f"{group!r} is no group: write '\\\\1' or '\\\\g<name>'")
        wanted.append(named[1] if named else int(numbered[1]) if numbered else 0)
    return [found[group] for group in wanted] if wanted else found[0]


def regex_findall(value: Value, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Value]:
    """
    >>> regex_findall("a1b2", "[a-z](\\\\d)")
    ['1', '2']
    """
    found = re.findall(regex, str(value), _flags(ignorecase, multiline))
    return [list(match) if isinstance(match, tuple) else match for match in found]


def regex_escape(value: Value, re_type: str = "python") -> str:
    """
    >>> regex_escape("a.b"), regex_escape("a.b$", "posix_basic")
    ('a\\\\.b', 'a\\\\.b\\\\$')
    """
    if re_type == "python":
        return re.escape(str(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", str(value))
    if re_type == "posix_extended":
        raise ValueError(f"Regex type ({re_type}) not yet implemented; there are python and posix_basic")
    raise ValueError(f"Invalid regex type ({re_type}); there are python and posix_basic")


def quote(value: Value) -> str:
    """Quoted for a POSIX shell.

    >>> quote("a b"), quote(None)
    ("'a b'", "''")
    """
    return shlex.quote("" if value is None else str(value))


_COMMENTS: Mapping[str, Mapping[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def comment(value: Value, style: str = "plain", *, newline: str = "\n", beginning: str = "", end: str = "",
            decoration: str | None = None, prefix: str | None = None, prefix_count: int = 1,
            postfix: str | None = None, postfix_count: int = 1) -> str:
    """
    >>> print(comment("a\\nb"))
    #
    # a
    # b
    #
    >>> print(comment("a", "cblock"))
    /*
     *
     * a
     *
     */
    """
    if style not in _COMMENTS:
        raise ValueError(f"Invalid style {style!r}; there are {', '.join(_COMMENTS)}")
    known = _COMMENTS[style]
    mark = known["decoration"] if decoration is None else decoration
    first, last = beginning or known.get("beginning", ""), end or known.get("end", "")
    before, after = (mark.rstrip() if edge is None else edge for edge in (prefix, postfix))
    body = [(mark + line).rstrip() for line in str(value).split(newline)]
    if before == newline:
        body[0] = newline * prefix_count + body[0]
        before = ""
    lines = [*([first] if first else []), *([before] * prefix_count if before else []), *body,
             *([after] * postfix_count), *([last] if last else [])]
    return newline.join(lines)


def to_bool(value: Value) -> bool:
    """
    What says neither yes nor no counts as no, as in Ansible up to 2.22.

    >>> to_bool("yes"), to_bool("Off"), to_bool(1), to_bool("maybe"), to_bool(None)
    (True, False, True, False, False)
    """
    return bool(as_boolean(value))


def split(value: str, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    """
    >>> split("a,b", ",")
    ['a', 'b']
    """
    return value.split(separator, maxsplit)


def splitlines(value: str) -> list[str]:
    """
    >>> splitlines("a\\nb\\n")
    ['a', 'b']
    """
    return value.splitlines()


def join(items: Iterable[Value], separator: str = "", attribute: str | None = None) -> str:
    """
    >>> join([1, None, "a"], ",")
    '1,None,a'
    >>> join([{"n": "a"}, {"n": "b"}], "-", attribute="n")
    'a-b'
    """
    listed = list(items)
    for part in attribute.split(".") if attribute else ():
        listed = [item[part] for item in listed]
    return str(separator).join(str(item) for item in listed)


def to_int(value: Value, default: Value = 0, base: int = 10) -> Value:
    """
    >>> to_int("12"), to_int("10.7"), to_int("x"), to_int("ff", base=16)
    (12, 10, 0, 255)
    """
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError):
            return default


FILTERS: Mapping[str, Callable[..., Any]] = {
    "regex_replace": regex_replace, "regex_search": regex_search, "regex_findall": regex_findall,
    "regex_escape": regex_escape, "quote": quote, "comment": comment, "bool": to_bool, "split": split,
    "splitlines": splitlines, "join": join, "int": to_int,
}
