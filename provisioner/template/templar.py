"""`Templar`: renders values, files and conditions against a scope. Pure; compiled templates are kept.

    templar = Templar()
    scope = Scope(templar, [("play vars", {"a": 1, "b": Template("{{ a + 1 }}")})])
    templar.render(Template("{{ b }}"), scope)                    # 2
    templar.condition(Condition("b > 1"), scope)                  # True
    templar.render_text("b is {{ b }}\n", scope, name="b.j2")     # "b is 2\n"

Every method may raise `TemplateError` (`UndefinedVariable`, `ConditionError`, …) and `NeedEffect`; what
cannot be known yet gives `Unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import nodes
from jinja2.environment import Template as JinjaTemplate
from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser

from provisioner.diag import Diagnostic, Span, TemplateError, UndefinedVariable, near
from provisioner.template.composing import came_through
from provisioner.template.environment import (
    RenderEnvironment,
    join_native,
    join_text,
    make_environment,
    new_context,
)
from provisioner.template.errors import failure, loose, not_boolean, syntax_error, undefined_error, untrusted
from provisioner.template.filters import FILTERS
from provisioner.template.headers import read_header
from provisioner.template.lazy import Variables, plain, shown
from provisioner.template.literals import keep_backslashes
from provisioner.template.lookups import GLOBALS, run_lookup
from provisioner.template.marks import Missing, Signal, UndefinedSignal, UnknownSignal, taint
from provisioner.template.names import NOTHING, Names, names_in
from provisioner.template.tests import TESTS
from provisioner.values import OMIT, Condition, Inheriting, Template, Trusted, Unknown, Value, Vaulted

_SCALARS = frozenset({str, Trusted, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled template or expression."""

    root: Callable[..., Iterable[Value]]
    blocks: Mapping[str, Any]
    environment: RenderEnvironment
    template: JinjaTemplate
    names: Names
    source: str
    newlines: int = 0
    """Newlines at the end of the source: given back when the result is text (a block scalar in YAML, a file)."""


class Templar:
    """Renders against a scope. One for the whole run; holds nothing but compiled templates."""

    __slots__ = ("_expression", "_filters", "_loose", "_native", "_program", "_tests", "_text_environment",
                 "_text_program", "lookups")

    def __init__(self, *, keep: int = 4096, on_loose: Callable[[Diagnostic], None] | None = None,
                 filters: Mapping[str, Callable[..., Any]] = FILTERS,
                 tests: Mapping[str, Callable[..., Any]] = TESTS, lookups: frozenset[str] = frozenset()) -> None:
        """on_loose: conditions need not be boolean; told of each that is not. lookups: names of the user's own."""
        self.lookups = lookups
        self._filters, self._tests = filters, tests
        self._loose = on_loose
        self._native = self._environment(join_native)
        self._program = lru_cache(keep)(self._compile_native)
        self._expression = lru_cache(keep)(self._compile_expression)
        self._text_environment = lru_cache(32)(self._make_text_environment)
        self._text_program = lru_cache(256)(self._compile_text)

    @property
    def environment(self) -> RenderEnvironment:
        """The environment of values, for tools that list filters and tests."""
        return self._native

    # -- what callers use -------------------------------------------------------------------------------

    def render(self, value: Value, scope: Variables) -> Value:
        """`value` as plain data: every `Template` in it rendered, also in mapping keys.

        Gives `Unknown` for a template that used one; containers keep an `Unknown` at its place.
        `OMIT` stays where it is (see `values.drop_omitted`).
        """
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is Template:
            finish = _finish_secret if value.secret else plain
            try:
                return self._execute(self._program_of(value), scope, value.span, finish)
            except UnknownSignal as signal:
                return Unknown(signal.reason)
        if kind is Vaulted:
            return value.open()
        if kind is Inheriting:
            own = self.render(value.own, scope)
            return self.render(value.outer, scope) if own is OMIT else own
        if isinstance(value, Mapping):
            return {self.render(key, scope): self.render(item, scope) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.render(item, scope) for item in value]
        return value

    def render_text(self, source: str, scope: Variables, *, name: str = "template",
                    overrides: Mapping[str, Value] | None = None, native: bool = False) -> Value:
        """A file made from a template: `str`, `Secret` when a secret went into it, or `Unknown`.

        native: the value itself where an expression is all there is, as variables have it. name: the template's path,
        for messages. overrides: Jinja settings by name, as the `template`
        module's arguments have them; a first line `#jinja2: key: value, …` beats them.
        """
        settings, body, skipped = read_header(source, overrides or {})
        place = Span(name, 1)
        try:
            program = self._text_program(body, tuple(sorted(settings.items())), native)
        except TemplateSyntaxError as error:
            raise syntax_error(error, self._native, Span(name, error.lineno + skipped)) from None
        try:
            return self._execute(program, scope, place, plain, first_line=1 + skipped)
        except UnknownSignal as signal:
            return Unknown(signal.reason)

    def condition(self, condition: Condition, scope: Variables) -> bool | Unknown:
        """Whether it holds. Must be a boolean: anything else is a `ConditionError` naming value and type.

        One in braces that gives a `Trusted` text holds as that text does.
        """
        constant = condition.constant
        if constant is not None and not condition.unsafe:
            return constant
        value = self.evaluate(condition, scope)
        if isinstance(value, (bool, Unknown)):
            return value
        if condition.braced and isinstance(value, Trusted):
            return self.condition(Condition(value, condition.span), scope)
        if self._loose is None:
            raise not_boolean(condition, value)
        self._loose(loose(condition, value))
        return bool(value)

    def evaluate(self, expression: str | Condition, scope: Variables) -> Value:
        """The plain value of a bare expression (no braces)."""
        return self._evaluate(expression, scope, plain)

    def show(self, expression: Condition, scope: Variables) -> tuple[Value, list[str]]:
        """The value of an expression for people to look at, and what is wrong with parts of it, which say so."""
        wrong: list[str] = []

        def tell(error: Missing | TemplateError) -> str:
            failed = undefined_error(error, scope, None) if isinstance(error, Missing) else error
            wrong.append(failed.message)
            return f"<< error {len(wrong)} - {failed.message} >>"

        return self._evaluate(expression, scope, lambda value: shown(value, tell)), wrong

    def _evaluate(self, expression: str | Condition, scope: Variables, finish: Callable[[Value], Value]) -> Value:
        if isinstance(expression, str):
            expression = Condition(expression)
        if expression.unsafe:
            raise untrusted(expression.source, expression.span)
        if not expression.source.strip():
            raise TemplateError("Empty conditional expression", hint="write true or remove it", span=expression.span)
        try:
            return self._execute(self._expression_of(expression), scope, expression.span, finish)
        except UnknownSignal as signal:
            return Unknown(signal.reason)

    def names(self, value: Value) -> Names:
        """The names that one `Template` or `Condition` mentions itself; of other values, nothing.

        Not closed over variables: see `Scope.reads`. A syntax error gives nothing here and is told when
        the value is rendered.
        """
        try:
            if type(value) is Template:
                return self._program_of(value).names
            if type(value) is Condition and not value.unsafe:
                return self._expression_of(value).names
        except TemplateError:
            pass
        return NOTHING

    def names_of_text(self, source: str, overrides: Mapping[str, Value] | None = None) -> Names:
        """The names that the text of a file template mentions."""
        settings, body, _ = read_header(source, overrides or {})
        try:
            return self._text_program(body, tuple(sorted(settings.items())), False).names
        except TemplateSyntaxError:
            return NOTHING

    def check(self, value: Template | Condition) -> TemplateError | None:
        """What is wrong with a template or condition whatever the variables are: syntax, an unknown filter or test.

        Parses and does not compile, which takes a tenth of the time: for telling it when it is loaded.
        """
        if isinstance(value, Condition) and value.unsafe:
            return None
        try:
            tree = (self._native.parse(value.source) if isinstance(value, Template)
                    else self._parse_expression(value.source))
        except TemplateSyntaxError as error:
            return syntax_error(error, self._native, value.span)
        uses: tuple[tuple[type[nodes.Filter | nodes.Test], str, Mapping[str, Any]], ...] = (
            (nodes.Filter, "filter", self._native.filters), (nodes.Test, "test", self._native.tests))
        for kind, what, table in uses:
            for node in tree.find_all(kind):
                if node.name not in table:
                    hint = near(node.name, [known for known in table if "." not in known])
                    return TemplateError(f"Unknown {what} `{node.name}`", hint=hint, span=value.span)
        return None

    def lookup(self, name: str, terms: Value, scope: Variables, **options: Value) -> list[Value]:
        """The items of `with_<name>: terms`; `terms` are rendered already."""
        context = new_context(self._native, scope)
        try:
            result: list[Value] = plain(run_lookup(context, name, terms, options))
        except UndefinedSignal as signal:
            raise undefined_error(signal.missing, scope, None) from None
        return result

    def run(self, template: Template, scope: Variables) -> Value:
        """Rendered but not made plain: for `lazy.open_value` only."""
        return self._execute(self._program_of(template), scope, template.span, taint if template.secret else _as_is)

    def undefined(self, signal: UndefinedSignal, scope: Variables) -> UndefinedVariable:
        """The error of a value that turned out undefined while it was made plain."""
        return undefined_error(signal.missing, scope, None)

    # -- compiling --------------------------------------------------------------------------------------

    def _environment(self, join: Callable[[Iterable[Value]], Value], **settings: Any) -> RenderEnvironment:
        return make_environment(join, filters=self._filters, tests=self._tests, global_names=GLOBALS, **settings)

    def _program_of(self, template: Template) -> Program:
        try:
            return self._program(template.source)
        except TemplateSyntaxError as error:
            raise syntax_error(error, self._native, template.span) from None

    def _expression_of(self, condition: Condition) -> Program:
        if condition.braced:
            return self._program_of(condition.template)
        try:
            return self._expression(condition.source)
        except TemplateSyntaxError as error:
            raise syntax_error(error, self._native, condition.span) from None

    def _compile_native(self, source: str) -> Program:
        return _program(self._native, self._native.parse(keep_backslashes(source, self._native)), source,
                        _newlines_at_end(source))

    def _compile_expression(self, source: str) -> Program:
        return _program(self._native, self._parse_expression(source), source)

    def _parse_expression(self, source: str) -> nodes.Template:
        text = source.strip()
        if text.startswith("{{") and text.endswith("}}"):
            return self._native.parse(text)
        parser = Parser(self._native, text, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail(f"unexpected {parser.stream.current.value!r}", parser.stream.current.lineno)
        tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
        tree.set_environment(self._native)
        return self._native.completed(tree)

    def _make_text_environment(self, settings: tuple[tuple[str, Any], ...], native: bool) -> RenderEnvironment:
        return self._environment(join_native if native else join_text, **dict(settings))

    def _compile_text(self, source: str, settings: tuple[tuple[str, Any], ...], native: bool) -> Program:
        environment = self._text_environment(settings, native)
        return _program(environment, environment.parse(source), source, _newlines_at_end(source))

    # -- running ----------------------------------------------------------------------------------------

    def _execute(self, program: Program, scope: Variables, span: Span | None,
                 finish: Callable[[Value], Value], *, first_line: int = 0) -> Value:
        """Run `program`; every failure becomes a `TemplateError` with a place.

        first_line: the line of the file where the source starts; 0 when `span` is the only place known.
        """
        environment = program.environment
        context = new_context(environment, scope, span.file if span and first_line else None, program.blocks)
        context.origin = span or program.source
        output = program.root(context)
        try:
            result = environment.concat(output)
            if program.newlines and isinstance(result, str):
                result = _with_newlines(result, program.newlines, environment.newline_sequence)
            return finish(taint(result) if context.decrypted else result)
        except UndefinedSignal as signal:
            place = _place(signal, output, program, span, first_line)
            undefined = undefined_error(signal.missing, scope, place)
            undefined.span = undefined.span or place
            raise undefined from None
        except Signal:
            raise
        except TemplateError as error:
            error.span = error.span or _place(error, output, program, span, first_line)
            raise
        except Exception as error:
            raise failure(error, environment, _place(error, output, program, span, first_line)) from error


def _as_is(value: Value) -> Value:
    return value


def _finish_secret(value: Value) -> Value:
    """What a template out of an encrypted file gives."""
    return plain(taint(value))


def _newlines_at_end(text: str) -> int:
    return text[len(text.rstrip("\r\n")):].count("\n")


def _with_newlines(text: str, wanted: int, newline: str) -> str:
    """The text with as many newlines at its end as its source has: Jinja drops the one behind a last block."""
    missing = wanted - _newlines_at_end(text)
    return text + newline * missing if text and missing > 0 else text


def _program(environment: RenderEnvironment, tree: nodes.Template, source: str, newlines: int = 0) -> Program:
    names = names_in(tree)
    try:
        template = environment.from_string(tree)
    except SyntaxError as error:  # Python's, of what Jinja has made of it: an argument that is given twice
        raise TemplateSyntaxError(error.msg, 1) from None
    return Program(template.root_render_func, template.blocks, environment, template, names, source, newlines)


def _place(error: BaseException, output: object, program: Program, span: Span | None,
           first_line: int) -> Span | None:
    """Where in the file: the failing line of a file template, else where the value stands."""
    if span is None or not first_line:
        return span
    line = 0
    for template, number in came_through(error, output):
        if template.name is not None:
            span, first_line, line = Span(template.name, 1), 1, number
        elif template.filename == program.template.filename:
            line = number
    return Span(span.file, line - 1 + first_line) if line else span
