"""`ansible.module_utils.six`: what modules that once ran on Python 2 still ask for."""

from __future__ import annotations

import builtins
import io
import queue
import shlex
import sys
import urllib.error
import urllib.parse
import urllib.request
from types import ModuleType
from typing import Any, Iterator, Mapping

PY2, PY3 = False, True
string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
StringIO = io.StringIO
BytesIO = io.BytesIO


def iteritems(mapping: "Mapping[Any, Any]") -> "Iterator[Any]":
    return iter(mapping.items())


def iterkeys(mapping: "Mapping[Any, Any]") -> "Iterator[Any]":
    return iter(mapping.keys())


def itervalues(mapping: "Mapping[Any, Any]") -> "Iterator[Any]":
    return iter(mapping.values())


def b(text: str) -> bytes:
    return text.encode("latin-1")


def u(text: str) -> str:
    return text


def with_metaclass(meta: Any, *bases: type) -> Any:
    return meta("Base", bases, {})


def raise_from(error: BaseException, cause: BaseException) -> None:
    raise error from cause


def _moves(name: str) -> ModuleType:
    moves = ModuleType(name + ".moves")
    for known in ("input", "range", "map", "filter", "zip"):
        setattr(moves, known, getattr(builtins, known))
    moves.__dict__.update(xrange=range, shlex_quote=shlex.quote, StringIO=io.StringIO, queue=queue, __path__=[],
                          builtins=builtins, reduce=__import__("functools").reduce)
    web = ModuleType(name + ".moves.urllib")
    web.__dict__.update(parse=urllib.parse, request=urllib.request, error=urllib.error, __path__=[])
    moves.__dict__["urllib"] = web
    sys.modules.update({moves.__name__: moves, web.__name__: web, web.__name__ + ".parse": urllib.parse,
                        web.__name__ + ".request": urllib.request, web.__name__ + ".error": urllib.error})
    return moves


__path__: "list[str]" = []
moves = _moves("ansible.module_utils.six")
