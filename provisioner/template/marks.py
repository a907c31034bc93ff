"""Stand-ins that live only while a template is rendered: for secrets, unknowns and what is undefined.

Outside a rendering a secret is a `values.Secret`, something unknown a `values.Unknown`, and something
undefined is an error. Inside, each has a stand-in that Jinja's operators and filters can carry about:

    Tainted       the text of a secret; a `str` whose operators give `Tainted` again
    UnknownMark   raises `UnknownSignal` when anything but passing it on is tried
    Missing       raises `UndefinedSignal` when anything but `default` or `is defined` is tried
    Absent        a `Missing` among what a lookup of the user's own is given, outside the rendering

`provisioner.template.lazy` turns values into stand-ins (`open_value`) and back (`plain`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from jinja2.runtime import Undefined
from jinja2.utils import missing

from provisioner.diag import UndefinedVariable
from provisioner.values import Secret, Value


class Signal(Exception):
    """Base of what ends a rendering early; must not derive from anything Jinja catches by itself."""


class UnknownSignal(Signal):
    """Something not yet known was needed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UndefinedSignal(Signal):
    """Something undefined was needed."""

    def __init__(self, missing_value: Missing) -> None:
        super().__init__("undefined value used")
        self.missing = missing_value


def _refuse(self: Any, *_: Any, **__: Any) -> Any:
    return self.refuse()


class _Refusing:
    """Every operation calls `refuse`. Names are listed because Python looks operators up on the type."""

    __slots__ = ()

    def refuse(self) -> NoReturn:
        raise NotImplementedError

    __str__ = __repr__ = __format__ = __bool__ = __len__ = __iter__ = __contains__ = _refuse
    __call__ = __int__ = __float__ = __index__ = __complex__ = __hash__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = _refuse
    __neg__ = __pos__ = __abs__ = __and__ = __or__ = __xor__ = __invert__ = _refuse


class UnknownMark(_Refusing):
    """Stand-in of `values.Unknown`: may be passed on and is "defined"; any use ends the rendering."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def refuse(self) -> NoReturn:
        raise UnknownSignal(self.reason)

    def __getattr__(self, name: str) -> NoReturn:
        if name[:2] == "__":  # protocols that Python itself asks for (copy, pickle, inspection)
            raise AttributeError(name)
        raise UnknownSignal(self.reason)

    def __getitem__(self, key: object) -> NoReturn:
        raise UnknownSignal(self.reason)


class Missing(_Refusing, Undefined):
    """Jinja's undefined: attributes of it are missing too, so that `a.b.c | default('x')` works.

    `cause` is set when the value is a variable whose own template met something undefined.
    """

    __slots__ = ("cause",)

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None,
                 exc: type[Exception] = UndefinedVariable, cause: UndefinedVariable | None = None) -> None:
        super().__init__(hint, obj, name)
        self.cause = cause

    @property
    def name(self) -> str:
        try:
            return "" if self._undefined_name is None else str(self._undefined_name)
        except UndefinedSignal as signal:  # looked up by a key in which something is undefined, as in `a[[b]]`
            return signal.missing.name

    @property
    def owner(self) -> Any:
        """The value that lacks the attribute `name`, or None when a variable is missing."""
        return None if self._undefined_obj is missing else self._undefined_obj

    @property
    def hint(self) -> str:
        return self._undefined_hint or ""

    def refuse(self) -> NoReturn:
        raise UndefinedSignal(self)

    def __getattr__(self, name: str) -> Missing:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Missing:  # type: ignore[override]
        return self


class Absent(_Refusing):
    """What is undefined among a lookup's terms: the user's code may pass it on; using it fails as undefined."""

    __slots__ = ("missing",)

    def __init__(self, missing: Missing) -> None:
        self.missing = missing

    @property
    def name(self) -> str:
        return self.missing.name

    def refuse(self) -> NoReturn:
        words = self.missing.hint or f"{self.name!r} is undefined"
        raise self.missing.cause or UndefinedVariable(words, name=self.name)


class Tainted(str):
    """The text of a secret. Whatever is made from it by an operator is tainted as well."""

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def __add__(self, other: str) -> Tainted:
        return Tainted(str.__add__(self, other))

    def __radd__(self, other: object) -> Tainted:
        return Tainted(other.__add__(self)) if isinstance(other, str) else NotImplemented

    def __mod__(self, other: Any) -> Tainted:
        return Tainted(str.__mod__(self, other))

    def __rmod__(self, other: object) -> Tainted:
        return Tainted(other.__mod__(self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: Any) -> Tainted:
        return Tainted(str.__mul__(self, times))

    __rmul__ = __mul__

    def __getitem__(self, key: Any) -> Tainted:
        return Tainted(str.__getitem__(self, key))

    def __iter__(self) -> Iterator[str]:
        return map(Tainted, str.__iter__(self))

    def secret(self) -> Secret:
        return Secret("".join(str.__iter__(self)))


def holds_secret(value: Value) -> bool:
    """Whether `value` is a secret or has one at any depth that was looked at so far."""
    kind = type(value)
    if kind is Tainted or kind is Secret:
        return True
    if isinstance(value, dict):
        return any(map(holds_secret, dict.values(value)))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(holds_secret, list.__iter__(value) if isinstance(value, list) else value))
    return False


def taint(value: Value) -> Value:
    """`value` with every text in it tainted."""
    if isinstance(value, str):
        return Tainted(value)
    if isinstance(value, Mapping):
        return {key: taint(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [taint(item) for item in value]
    return value
