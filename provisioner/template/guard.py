"""What stands between Jinja and every filter and test: unknowns, undefined values, secrets, errors.

A filter is an ordinary function of plain values. Of an argument that is unknown or undefined the guard makes the
result (but for the few that ask about that), so that `x | upper | default('none')` works; it turns iterators into
lists, taints text made from a secret, and names the filter and the value's type when it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Context
from jinja2.utils import _PassArg, pass_context

from provisioner.diag import TemplateError
from provisioner.template.marks import Missing, Signal, Tainted, UndefinedSignal, UnknownMark, holds_secret, taint
from provisioner.values import Secret, Trusted, Value

#: These may be given something undefined or unknown: asking about it, or passing it on, is their purpose.
_TOLERANT = frozenset({"default", "d", "mandatory", "defined", "undefined", "ternary", "list_of_known"})

#: These give back one of the values put in, so a secret among the others must not taint it.
_SELECTING = frozenset({"default", "d", "first", "last", "min", "max", "attr", "extract", "ternary",
                        "mandatory", "random", "type_debug"})


class FilterFailed(TemplateError):
    """A filter, test or lookup refused its arguments."""


_TEXTS = frozenset({str, Trusted})


def describe_type(value: Value) -> str:
    """The type in the words of a playbook: "text", "a list", "a dictionary"."""
    if isinstance(value, (Tainted, Secret)):
        return "a secret"
    if isinstance(value, bool):
        return "a boolean"
    for kind, words in ((str, "text"), (int, "an integer"), (float, "a number"), (dict, "a dictionary"),
                        ((list, tuple), "a list"), (type(None), "null")):
        if isinstance(value, kind):
            return words
    return f"a value of type {type(value).__name__}"


def settle(result: Value, inputs: tuple[Value, ...]) -> Value:
    """`result` with iterators made lists and tainted where it was made from a secret among `inputs`."""
    if isinstance(result, Iterator):
        result = list(result)
    if type(result) in _TEXTS:
        if any(result is given for given in inputs):
            return result
        return Tainted(result) if any(map(holds_secret, inputs)) else result
    if isinstance(result, (list, dict)) and any(type(given) is Tainted for given in inputs):
        return taint(result)
    return result


def guard_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as a Jinja filter that keeps the promises above."""
    short = name.rpartition(".")[2]
    tolerant, selecting = short in _TOLERANT, short in _SELECTING
    wants = _PassArg.from_obj(function)

    @pass_context
    def filtered(context: Context, *args: Any, **kwargs: Any) -> Any:
        if not tolerant and (mark := first_mark((*args, *kwargs.values()))) is not None:
            return mark
        try:
            result = function(*_passed(wants, context), *args, **kwargs)
            if isinstance(result, Iterator):
                result = list(result)
        except UndefinedSignal as signal:  # something inside of an argument
            return signal.missing
        except (Signal, TemplateError, RecursionError):
            raise
        except Exception as error:
            raise _failed("filter", name, args, error) from error
        if selecting or result is None or isinstance(result, (bool, int, float)):
            return result
        return settle(result, (*args, *kwargs.values()))

    return filtered


def guard_test(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as a Jinja test; the same but for taint, since the answer is a boolean."""
    tolerant = name.rpartition(".")[2] in _TOLERANT
    wants = _PassArg.from_obj(function)

    @pass_context
    def tested(context: Context, *args: Any, **kwargs: Any) -> Any:
        if not tolerant and (mark := first_mark((*args, *kwargs.values()))) is not None:
            return mark
        try:
            return function(*_passed(wants, context), *args, **kwargs)
        except UndefinedSignal as signal:
            return signal.missing
        except (Signal, TemplateError, RecursionError):
            raise
        except Exception as error:
            raise _failed("test", name, args, error) from error

    return tested


def takes_marks(function: Callable[..., Any]) -> Callable[..., Any]:
    """For a function that templates call: it is called with what is undefined or unknown, too."""
    function.takes_marks = True  # type: ignore[attr-defined]
    return function


def first_mark(arguments: Iterable[Value]) -> UnknownMark | Missing | None:
    """The first argument that is unknown or undefined."""
    return next((argument for argument in arguments if isinstance(argument, (UnknownMark, Missing))), None)


def _refuse_inside(value: Value) -> None:
    """End the rendering if something unknown or undefined inside the arguments made a filter fail."""
    if isinstance(value, (UnknownMark, Missing)):
        value.refuse()
    if isinstance(value, dict):
        _refuse_inside(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_inside(item)


def _passed(wants: _PassArg | None, context: Context) -> tuple[Any, ...]:
    if wants is None:
        return ()
    return ({_PassArg.context: context, _PassArg.eval_context: context.eval_ctx,
             _PassArg.environment: context.environment}[wants],)


def _failed(what: str, name: str, args: tuple[Any, ...], error: Exception) -> TemplateError:
    if isinstance(error, TemplateRuntimeError) and str(error).startswith("No "):  # "No filter named …"
        return TemplateError(str(error))
    _refuse_inside(args)
    given = describe_type(args[0]) if args else "no value"
    reason = "" if args and holds_secret(list(args)) else f": {error}"
    return FilterFailed(f"The {what} `{name}` failed on {given}{reason}")
