"""Containers that render an item when it is looked at, and the way in and out of a rendering.

`open_value` makes a value usable inside a template without rendering more than needed; `plain` makes the
result ordinary data again. The containers are real `dict`s and `list`s (filters, tests and JSON must see
them as such) that hold raw items and replace each by its rendered form at first access.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from jinja2.runtime import Undefined

from provisioner.diag import TemplateError, UndefinedVariable, VaultError
from provisioner.template.effects import Effects
from provisioner.template.marks import Absent, Missing, Tainted, UndefinedSignal, UnknownMark, UnknownSignal
from provisioner.values import OMIT, Secret, Template, Trusted, Unknown, Value, Vaulted

if TYPE_CHECKING:
    from provisioner.template.templar import Templar

Label = tuple["Label | None", Any]


class Variables(Protocol):
    """What a rendering needs of a scope."""

    templar: Templar
    effects: Effects
    busy: list[tuple[Template, Label]]
    """Templates being rendered, outermost first; a template found here again is a cycle."""

    def resolve(self, name: str) -> Value:
        """The opened value of a variable; KeyError when there is none."""
        ...

    def with_layer(self, label: str, variables: Mapping[str, Value]) -> Variables:
        """A scope where `variables` win over everything else."""
        ...

    def names(self) -> frozenset[str]:
        """All variable names, for telling near ones."""
        ...


class LiveMapping(Mapping[str, Any]):
    """A mapping that renders its own items (`hostvars`, `vars`); opened as it is, never copied."""


class LazyDict(dict[Any, Any]):
    __slots__ = ("_label", "_scope")

    def __init__(self, raw: Mapping[Any, Value], scope: Variables, label: Label) -> None:
        super().__init__(raw)
        self._scope = scope
        self._label = label

    def __getitem__(self, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        if type(value) in READY:
            return value
        opened = open_value(value, self._scope, (self._label, key))
        dict.__setitem__(self, key, opened)
        return opened

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - `get` is what is defined here

    def __iter__(self) -> Iterator[Any]:  # also makes dict(lazy) and {**lazy} go through __getitem__
        return dict.__iter__(self)

    def values(self) -> Any:
        return self._opened().values()

    def items(self) -> Any:
        return self._opened().items()

    def copy(self) -> dict[Any, Any]:
        return self._opened()

    def _opened(self) -> dict[Any, Any]:
        return {key: self[key] for key in self}

    def __eq__(self, other: object) -> bool:
        return self._opened() == other

    def __ne__(self, other: object) -> bool:
        return self._opened() != other

    __hash__ = None

    def __or__(self, other: Any) -> Any:
        return self._opened() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._opened()

    def __repr__(self) -> str:
        return repr(self._opened())

    def __reversed__(self) -> Iterator[Any]:
        return dict.__reversed__(self)


class LazyList(list[Any]):
    __slots__ = ("_label", "_scope")

    def __init__(self, raw: Iterable[Value], scope: Variables, label: Label) -> None:
        super().__init__(raw)
        self._scope = scope
        self._label = label

    def __getitem__(self, index: Any) -> Any:
        value = list.__getitem__(self, index)
        if type(value) in READY:
            return value
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        opened = open_value(value, self._scope, (self._label, index))
        list.__setitem__(self, index, opened)
        return opened

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __reversed__(self) -> Iterator[Any]:
        return (self[index] for index in reversed(range(len(self))))

    def __contains__(self, item: object) -> bool:
        return any(item is own or item == own for own in self)

    def index(self, item: Any, *bounds: Any) -> int:
        return list(self).index(item, *bounds)

    def count(self, item: Any) -> int:
        return list(self).count(item)

    def copy(self) -> list[Any]:
        return list(self)

    def __add__(self, other: Any) -> Any:
        return list(self) + other

    def __radd__(self, other: Any) -> Any:
        return other + list(self)

    def __mul__(self, times: Any) -> list[Any]:
        repeated: list[Any] = list(self) * times
        return repeated

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, LazyList) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return list(self) < list(other)

    def __gt__(self, other: Any) -> bool:
        return list(self) > list(other)

    __hash__ = None

    def __repr__(self) -> str:
        return repr(list(self))


#: Types that need no opening. Exact types: a subclass of `str` that is not ours cannot come from a loader.
READY = frozenset({str, Trusted, int, float, bool, type(None), Tainted, UnknownMark, Missing, LazyDict, LazyList})


def open_value(value: Value, scope: Variables, label: Label) -> Value:
    """`value` as a template may use it: templates rendered, containers lazy, secrets and unknowns marked.

    A template that meets something undefined gives a `Missing` that carries the error, so that
    `default` and `is defined` work through variables; an unknown one gives an `UnknownMark`.
    """
    kind = type(value)
    if kind in READY:
        return value
    if kind is Template:
        return _open_template(value, scope, label)
    if kind is dict:
        return LazyDict(value, scope, label)
    if kind is list or kind is tuple:
        return LazyList(value, scope, label)
    if kind is Secret:
        return Tainted(value.reveal())
    if kind is Vaulted:
        return Tainted(value.open().reveal())
    if kind is Unknown:
        return UnknownMark(value.reason)
    if kind is Absent:
        return value.missing
    if isinstance(value, Mapping) and not isinstance(value, LiveMapping):
        return LazyDict(value, scope, label)
    return value


def _open_template(template: Template, scope: Variables, label: Label) -> Value:
    busy = scope.busy
    if any(other is template for other, _ in busy):
        raise _cycle(template, scope, label)
    busy.append((template, label))
    try:
        result = scope.templar.run(template, scope)
    except UndefinedVariable as error:
        return Missing(cause=error)
    except UnknownSignal as signal:
        return UnknownMark(signal.reason)
    finally:
        busy.pop()
    if type(result) is dict:
        return LazyDict(result, scope, label)
    return LazyList(result, scope, label) if type(result) is list else result


def describe(label: Label) -> str:
    """`app.ports.0` for the label of a nested value."""
    parent, key = label
    return f"{describe(parent)}.{key}" if parent else str(key)


def _cycle(template: Template, scope: Variables, label: Label) -> TemplateError:
    start = next(index for index, (other, _) in enumerate(scope.busy) if other is template)
    chain = [describe(seen) for _, seen in scope.busy[start:]] + [describe(label)]
    return TemplateError("Variable refers to itself: " + " -> ".join(chain), span=template.span,
                         hint="one of these has to get its value from somewhere else")


def shown(value: Value, tell: Callable[[Missing | TemplateError], Value]) -> Value:
    """As `plain`, for people to look at. What is undefined or cannot be rendered is what `tell` gives instead."""
    if isinstance(value, Missing):
        return tell(value)
    if isinstance(value, Mapping):
        return {plain(key): _shown_item(value, key, tell) for key in value}
    if isinstance(value, (list, tuple)):
        return [_shown_item(value, index, tell) for index in range(len(value))]
    return plain(value)


def _shown_item(container: Any, key: Any, tell: Callable[[Missing | TemplateError], Value]) -> Value:
    try:
        return shown(container[key], tell)
    except VaultError:  # a password is missing: that is for the task to fail
        raise
    except TemplateError as error:
        return tell(error)


_SCALARS = frozenset({str, Trusted, int, float, bool, type(None)})


def plain(value: Value) -> Value:
    """What a rendering gave, as ordinary data: `dict`, `list`, scalars, `Secret`, `Unknown`, `OMIT`.

    Raises `UndefinedSignal` when something undefined is in it at any depth.
    """
    kind = type(value)
    if kind in _SCALARS or kind is Absent or value is OMIT:
        return value
    if kind is Tainted:
        return value.secret()
    if kind is UnknownMark:
        return Unknown(value.reason)
    if isinstance(value, Undefined):
        raise UndefinedSignal(value) if isinstance(value, Missing) else TypeError(type(value))
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    return value
