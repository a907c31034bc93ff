"""The Jinja environments: sandboxed, strict, with native types, reading variables lazily from a scope.

Two differ only in how output is put together: `native` keeps a value that is the only output of a
template, `text` always gives text (files made from templates).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, cast

from jinja2 import nodes
from jinja2.compiler import Frame
from jinja2.environment import Template
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment, modifies_known_mutable
from jinja2.utils import missing

from provisioner.template import composing, literals
from provisioner.template.guard import first_mark, guard_filter, guard_test, settle
from provisioner.template.lazy import LazyDict, LazyList, LiveMapping, Variables
from provisioner.template.marks import Missing, Tainted, UnknownMark, holds_secret
from provisioner.values import OMIT, Value


def join_text(parts: Iterable[Value]) -> str:
    """The output parts as one text; `None` and `omit` give nothing (as Ansible has it).

    The text is tainted as soon as one part is, also when the secret is deep inside a printed list.
    """
    tainted = False
    texts: list[str] = []
    for part in parts:
        kind = type(part)
        if kind is not str:
            if part is None or part is OMIT:
                continue
            shown = str(part)  # printing renders what is lazy, so look for secrets only afterwards
            tainted = tainted or isinstance(shown, Tainted) or holds_secret(part)
            texts.append(shown)
        else:
            texts.append(part)
    text = "".join(texts)
    return Tainted(text) if tainted else text


def concatenate(parts: tuple[Value, ...]) -> str | UnknownMark | Missing:
    """What `a ~ b` gives: undefined where one of them is, so that `default` can stand behind it."""
    mark = first_mark(parts)
    return join_text(parts) if mark is None else mark


def join_native(parts: Iterable[Value]) -> Value:
    """The value itself when it is the only output and no imported file; else the text of all. Never parsed back."""
    found = list(parts)
    if len(found) == 1 and not isinstance(found[0], composing.PartModule):
        return found[0]
    return join_text(found) if found else None


class _CodeGenerator(NativeCodeGenerator):
    """Computes nothing while it compiles, where errors have no place; sends `~` through `concatenate` for taint."""

    def _make_finalize(self) -> NativeCodeGenerator._FinalizeInfo:
        return self._FinalizeInfo(None, None)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.tilde((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class RenderContext(Context):
    """Resolves names from the scope the moment they are used. Names set by the template win."""

    scope: Variables
    draws: int = 0
    """Random draws so far in this rendering, to tell apart their effects."""
    origin: object = None
    """What is rendered, for the same purpose: its place, or its source when it has none."""
    passed: Mapping[str, Any]
    """Names set by the template that this one is a part of."""
    decrypted: list[str]
    """Paths of encrypted parts that went into this rendering; one list for all its contexts."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key in self.passed:
            return self.passed[key]
        try:
            return self.scope.resolve(key)
        except KeyError:
            return self.parent.get(key, missing)

    def derived(self, locals: dict[str, Any] | None = None) -> RenderContext:
        known = {**self.vars, **{k: v for k, v in (locals or {}).items() if v is not missing}}
        context = self.for_part(self.name, {}, self.passed)
        context.vars = known
        context.eval_ctx = self.eval_ctx
        context.blocks = {key: list(value) for key, value in self.blocks.items()}
        return context

    def get_all(self) -> dict[str, Any]:
        """What is handed to an included template: names that templates set. It has the scope itself."""
        return {**self.passed, **self.vars}

    def for_part(self, name: str | None, blocks: Mapping[str, Any], passed: Mapping[str, Any]) -> RenderContext:
        """The context of another template in the same rendering."""
        context = new_context(cast("RenderEnvironment", self.environment), self.scope, name, blocks)
        context.origin, context.passed, context.decrypted = self.origin, passed, self.decrypted
        return context


_DICT_METHODS = frozenset(name for name in dir(dict) if not name.startswith("_"))


class RenderEnvironment(SandboxedEnvironment):
    """Sandboxed; a template may change lists and dicts it made itself, never a variable's."""

    code_generator_class = _CodeGenerator
    context_class = RenderContext
    tilde = staticmethod(concatenate)
    as_text = staticmethod(join_text)
    part = staticmethod(composing.part)
    compiled: Callable[[str, str], Template]
    """The template of a file, by its path and text."""

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        return self.completed(super().parse(source, name, filename))

    def completed(self, tree: nodes.Template) -> nodes.Template:
        """A parsed template with what Jinja does not know by itself."""
        return composing.ask_for_parts(literals.render_terms(tree, self.parse))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Missing):  # it has attributes of its own, which are not for templates
            return obj
        if isinstance(obj, UnknownMark):
            obj.refuse()
        if isinstance(obj, (dict, LiveMapping)) and attribute not in _DICT_METHODS:
            try:
                return obj[attribute]
            except KeyError:
                return Missing(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, (UnknownMark, Missing)):
            argument.refuse()
        return super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, (LazyDict, LazyList)) and modifies_known_mutable(obj, attr):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Missing:
        if isinstance(obj, (LazyDict, LazyList)):
            return Missing(f"`{attribute}` would change a variable; a template may change only what it made",
                           name=attribute, obj=obj)
        return Missing(f"`{attribute}` is not for templates", name=attribute, obj=obj)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        if (mark := first_mark((__obj, *args))) is not None and (
                mark is __obj or not getattr(__obj, "takes_marks", False)):
            return mark
        result = super().call(__context, __obj, *args, **kwargs)
        if isinstance(result, (int, float, type(None))):
            return result
        return settle(result, (getattr(__obj, "__self__", None), *args, *kwargs.values()))


def make_environment(join: Callable[[Iterable[Value]], Value], *, filters: Mapping[str, Callable[..., Any]],
                     tests: Mapping[str, Callable[..., Any]], global_names: Mapping[str, Any],
                     **settings: Any) -> RenderEnvironment:
    """An environment with Ansible's defaults; `settings` are Jinja's own (delimiters, trimming)."""
    environment = RenderEnvironment(
        optimized=False,  # see `_CodeGenerator`
        undefined=Missing, **{"trim_blocks": True, "extensions": ["jinja2.ext.do", "jinja2.ext.loopcontrols"],
                              "cache_size": 0, **settings})
    environment.concat = staticmethod(join)  # type: ignore[method-assign]
    environment.filters.update(filters)
    environment.filters = {name: guard_filter(name, function)
                           for name, function in _with_prefix(environment.filters)}
    environment.tests.update(tests)
    environment.tests = {name: guard_test(name, function)
                         for name, function in _with_prefix(environment.tests)}
    environment.compiled = lru_cache(64)(partial(composing.compile_part, environment))
    environment.globals.pop("lipsum", None)  # draws random words
    environment.globals.update(global_names)
    return environment


def _with_prefix(table: Mapping[str, Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, function in table.items():
        yield name, function
        if "." not in name:
            yield f"ansible.builtin.{name}", function


def new_context(environment: RenderEnvironment, scope: Variables, name: str | None = None,
                blocks: Mapping[str, Any] | None = None) -> RenderContext:
    context = RenderContext(environment, environment.globals, name, dict(blocks or {}))
    context.scope, context.passed, context.decrypted = scope, {}, []
    return context
