"""Values that are more than data: templates, conditions, secrets, `omit` and what cannot be known yet.

A `Template` or a `Trusted` text is made only where a controller's own file or `-e` is loaded. Facts, results, lookups
and the contents of files are plain strings, and a plain string is neither rendered nor run as an expression: that is
what makes double templating and injection by a host impossible by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal, NewType, Protocol, TypeAlias

from provisioner.diag import Span

HostName = NewType("HostName", str)

#: JSON-like data that may hold `Template`, `Secret`, `Vaulted`, `OMIT` or `Unknown` at any depth.
Value: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Template:
    """Text of the user's own files with `{{` or `{%` in it; rendered when it is used, not before."""

    source: str
    span: Span | None = None
    secret: bool = False
    """From an encrypted file: neither the text nor what it gives may be shown."""


class Trusted(str):
    """A text of the user's own files without braces: a condition or a variable's name may be said by it.

    Whatever is made from it (joined, cut, formatted, copied) is a plain string again, and so is what its class is
    called with: `type(text)(…)` in a library must not make a host's words trusted. `!unsafe` texts are plain strings.
    """

    __slots__ = ()

    def __new__(cls, text: object = "") -> str:  # type: ignore[misc]
        return str(text)

    @staticmethod
    def of(text: str) -> Trusted:
        """For loaders of the user's files."""
        return str.__new__(Trusted, text)


@dataclass(frozen=True, slots=True)
class Inheriting:
    """A keyword's template, and what the levels around say, which counts where the template comes out as `omit`."""

    own: Template
    outer: Value


@dataclass(frozen=True, slots=True)
class Condition:
    """A bare Jinja expression, as `when`, `changed_when`, `failed_when`, `until` and `that` have it.

    `source` is the expression without braces; a YAML boolean is kept as `"True"` / `"False"`.
    """

    source: str
    span: Span | None = None
    braced: bool = False
    """Written in braces: where it gives a `Trusted` text, that is the condition.

    Several pairs of braces (`{{ a }} == {{ b }}`) stay in `source`: they make a text, which is never trusted.
    """
    unsafe: bool = False
    """Tagged `!unsafe`: fails when it is evaluated."""

    @property
    def template(self) -> Template:
        """What a braced one gives as a value."""
        return Template(self.source if self.source.startswith("{{") else "{{ " + self.source + " }}", self.span)

    @property
    def constant(self) -> bool | None:
        """The value when it is written as a literal boolean, else None."""
        return {"true": True, "false": False}.get(self.source.strip().lower())


class Omit(Enum):
    OMIT = "omit"

    def __repr__(self) -> str:
        return "omit"


OMIT: Final = Omit.OMIT


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must never be shown. Only `ui/redact.py` and `transport` may call `reveal`."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A text that lies encrypted in the user's files: a `Secret` once it is used, and not decrypted before.

    Rendering opens it, so that a play needs the passwords of the values that it uses, not of all it has.
    """

    open: Callable[[], Secret] = field(repr=False, compare=False)
    """Raises `VaultError`."""
    ciphertext: str = ""
    """As `!vault` has it; empty for a value of a file that is encrypted as a whole."""

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__


class Vault(Protocol):
    """Opens what is encrypted in the user's files; handed to the loaders by the composition root."""

    def decrypt(self, envelope: bytes, span: Span) -> bytes:
        """What is in an encrypted file. Raises `VaultError`."""
        ...

    def open(self, envelope: str, span: Span) -> Secret:
        """What is in a value tagged `!vault`. Raises `VaultError`."""
        ...

    def disclose(self, text: str) -> Secret:
        """A value out of a decrypted file, from now on masked wherever it shows."""
        ...


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something check mode cannot know before it is done; `reason` is for people ("output of `make`").

    Any template, condition or argument that meets an `Unknown` becomes `Unknown` itself, and a task that
    needs one has the status `unknown`: neither ok nor failed.
    """

    reason: str


def contains_unknown(value: Value) -> Unknown | None:
    """The first `Unknown` inside `value` at any depth, or None."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Mapping):
        return next((found for item in value.values() if (found := contains_unknown(item))), None)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return next((found for item in value if (found := contains_unknown(item))), None)
    return None


def joined(old: Mapping[Value, Value], new: Mapping[Value, Value], *, merge: bool) -> dict[Value, Value]:
    """`new` over `old`; with `merge` mappings that both have at a key are joined in the same way.

    >>> joined({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}}, merge=True)
    {'a': {'x': 1, 'y': 2}, 'b': 1}
    """
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        both = merge and isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = joined(before, value, merge=True) if both and isinstance(before, Mapping) else value
    return result


def drop_omitted(value: Value) -> Value:
    """`value` without the mapping entries and list items that are `OMIT`, at any depth."""
    if isinstance(value, Mapping):
        return {key: drop_omitted(item) for key, item in value.items() if item is not OMIT}
    if isinstance(value, (list, tuple)):
        return [drop_omitted(item) for item in value if item is not OMIT]
    return value


OMITTED: TypeAlias = Literal[Omit.OMIT]
