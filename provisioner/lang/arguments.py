"""A task's module and its arguments, in all the ways they can be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from provisioner.diag import Span, near
from provisioner.lang import modules
from provisioner.lang.context import Context
from provisioner.lang.fields import wrong_type
from provisioner.lang.freeform import UnbalancedError, split_arguments, split_raw
from provisioner.lang.keywords import Place, names_on
from provisioner.lang.model import WHOLE, is_from_template
from provisioner.lang.nodes import Map, Node, Scalar, describe, has_template, to_value
from provisioner.lang.state import Loading
from provisioner.values import Template, Trusted, Value, Vaulted

RAW_PARAMS: Final = "_raw_params"

#: Whose free text is a text for a shell, where the space around it may mean something.
_KEEP_TEXT: Final = frozenset({"command", "shell", "raw"})

#: Modules that hand their arguments to another one.
_WORKER: Final = {"service": "systemd", "package": "apt"}


@dataclass(slots=True)
class Call:
    """A module with its arguments and where each of them stands."""

    module: str
    span: Span
    args: dict[str, Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    local: bool = False
    """Written as `local_action`."""
    is_whole: bool = True
    """False when arguments are missing that could not be read (told already) or come from a template."""

    def set(self, name: str, value: Value, span: Span) -> None:
        self.args[name] = value
        self.spans[name] = span


def read_call(module: str, key: Scalar, node: Node, loading: Loading) -> Call:
    """The arguments under a module's key: a mapping, free text, or nothing."""
    call = Call(module, key.span)
    if isinstance(node, Map):
        for name, value in node.entries:
            call.set(str(name.value), to_value(value), value.span)
    elif isinstance(node, Scalar):
        if node.value is not None:
            _read_text(call, node, loading)
    else:
        wrong_type(key.text, "a mapping of arguments", node, loading.found)
        call.is_whole = False
    return call


def _read_text(call: Call, node: Scalar, loading: Loading) -> None:
    text, span = node.text, node.span
    spec = loading.spec(call.module)
    free = spec.free_form if spec else None

    def value(part: str) -> Value:
        if node.unsafe:
            return part
        return Template(part, span) if has_template(part) else Trusted.of(part)

    if call.module in modules.RAW or free:
        rest, options = split_raw(text, modules.RAW.get(call.module, frozenset()))
        for name, part in options.items():
            call.set(name, value(part), span)
        if rest.strip():
            call.set(RAW_PARAMS, value(rest if call.module in _KEEP_TEXT else rest.strip()), span)
        return
    try:
        arguments, others = split_arguments(text)
    except UnbalancedError as error:
        loading.found.error("Arguments not readable", str(error), span, hint="write them as a mapping")
        return
    for word in others:
        if word.startswith("{{"):
            _set_whole(call, Template(word, span), span, loading)
        else:
            call.is_whole = False
            detail = f"`{word}` is not `name=value`, and `{call.module}` takes no free text"
            loading.found.error("Arguments not readable", detail, span, hint="write the arguments as a mapping")
    for name, part in arguments.items():
        call.set(name, value(part), span)


def _set_whole(call: Call, value: Value, span: Span, loading: Loading) -> None:
    call.is_whole = False
    call.set(WHOLE, value, span)


def read_action(key: Scalar, node: Node, loading: Loading) -> Call | None:
    """`action: copy src=a dest=b`, `action: {module: copy, src: a}` and the same with `local_action`."""
    call: Call | None = None
    if isinstance(node, Scalar) and isinstance(node.value, str):
        name, rest = _module_and_text(node.text.strip())
        module = resolve(name, node.span, loading)
        if module is not None:
            call = Call(module, node.span)
            if rest.strip():
                text = rest.strip()
                _read_text(call, Scalar(node.file, node.line, node.column, text, text, node.unsafe), loading)
    elif isinstance(node, Map) and isinstance(name_node := node.get("module"), Scalar):
        module = resolve(name_node.text, name_node.span, loading)
        if module is not None:
            call = Call(module, node.span)
            for argument, value in node.entries:
                if argument.value == "args" and isinstance(value, Map):
                    add_args(call, value, loading)
                elif argument.value != "module":
                    call.set(str(argument.value), to_value(value), value.span)
    else:
        detail = f"`{key.text}` must be a module with its arguments, not {describe(node)}"
        loading.found.error("Wrong type", detail, node.span)
    if call is not None:
        call.local = key.text == "local_action"
    return call


def _module_and_text(text: str) -> tuple[str, str]:
    """`copy src=a` at its first blank; a name that is a template ends with its braces."""
    if is_from_template(text.partition(" ")[0]):
        name, braces, rest = text.partition("}}")
        return name + braces, rest
    name, _, rest = text.partition(" ")
    return name, rest


def resolve(name: str, span: Span, loading: Loading) -> str | None:
    """The module's canonical name; None and an error when nobody knows it."""
    if is_from_template(name):
        return name.strip()
    module = modules.canonical(name, loading.ours)
    if module is None:
        unknown_module(name, span, loading)
    return module


def unknown_module(name: str, span: Span, loading: Loading, place: Place = Place.TASK) -> None:
    """An error for a key that is neither a module nor a keyword, with the nearest of both."""
    short = name.rpartition(".")[2]
    keywords = names_on(place)
    hint = near(short, (*keywords, *loading.ours)) or near(short, modules.WELL_KNOWN)
    summary = "Unknown keyword" if hint and hint == near(short, keywords) else "Unknown module"
    detail = f"`{name}` is neither a module nor a keyword of a {place.value}"
    loading.found.error(summary, detail, span, hint=hint or "`provision doc --list` shows the modules there are")


def add_args(call: Call, node: Node, loading: Loading) -> None:
    """The `args:` keyword: further arguments; those beside the module win."""
    if isinstance(node, Scalar) and node.value is None:
        return
    if not isinstance(node, Map):
        if isinstance(node, Scalar) and has_template(node.text):
            _set_whole(call, to_value(node), node.span, loading)
        else:
            wrong_type("args", "a mapping of arguments", node, loading.found)
        return
    for name, value in node.entries:
        if name.value not in call.args:
            call.set(str(name.value), to_value(value), value.span)


def with_defaults(call: Call, context: Context) -> Mapping[str, Value]:
    """The arguments with `module_defaults` beneath them; those of the module that does the work are the lowest."""
    if not context.module_defaults:
        return call.args
    names = (_WORKER.get(call.module, ""), call.module)
    defaults = {name: value for module in names for name, value in context.module_defaults.get(module, {}).items()}
    return {**defaults, **call.args}


def check_arguments(call: Call, args: Mapping[str, Value], loading: Loading, *, may_fail: bool) -> None:
    """Tell what the module's Spec finds wrong with the arguments that are written as constants.

    may_fail: the playbook is ready for this task to fail, so that a wrong argument is only a warning.
    """
    for name in args:
        if name.startswith("_ansible_"):
            detail = f"`{name}`: the prefix `_ansible_` is reserved for internal use only."
            loading.found.error("Wrong argument", detail, call.spans.get(name) or call.span)
    spec = loading.spec(call.module)
    if spec is None or not call.is_whole:
        return
    tell = loading.found.warning if may_fail else loading.found.error
    given = dict(args)
    if RAW_PARAMS in given and spec.canonical(RAW_PARAMS) is None and spec.free_form:
        given[spec.free_form] = given.pop(RAW_PARAMS)
    for problem in spec.problems(given, is_constant):
        span = call.spans.get(problem.argument) or (
            call.spans.get(RAW_PARAMS) if problem.argument == spec.free_form else None)
        tell("Wrong argument", problem.message, span or call.span, hint=problem.hint)


def is_constant(value: Value) -> bool:
    """Whether a value is fully written down; one that is a template or encrypted is judged when it is rendered."""
    return not isinstance(value, (Template, Vaulted))
