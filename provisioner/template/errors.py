"""How a failed rendering is told: what was undefined, which filter is unknown, where syntax broke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateSyntaxError

from provisioner.diag import ConditionError, Diagnostic, Span, TemplateError, UndefinedVariable, near
from provisioner.template.environment import RenderEnvironment
from provisioner.template.guard import describe_type
from provisioner.template.lazy import LiveMapping, Variables
from provisioner.template.marks import Missing
from provisioner.values import Condition, Secret, Value

_GATHER: Final = "if it is a fact: facts are there once they were gathered (`gather_facts: true`, or the task `setup:`)"


def undefined_error(missing: Missing, scope: Variables, span: Span | None) -> UndefinedVariable:
    """The error for a use of `missing`, with a near name of the scope or of the value that lacks it."""
    if missing.cause is not None:
        return missing.cause
    if missing.hint:
        return UndefinedVariable(missing.hint, name=missing.name, span=span)
    owner = missing.owner
    if owner is None:
        return UndefinedVariable(f"'{missing.name}' is undefined", name=missing.name, span=span,
                                 hint=near(missing.name, scope.names()) or _where_to_set(missing.name))
    lacks = f": object has no element {missing.name}" if isinstance(owner, list) else (
        f" has no attribute '{missing.name}'")
    return UndefinedVariable(describe_owner(owner) + lacks, name=missing.name, span=span,
                             hint=_hint(missing.name, owner))


def describe_owner(owner: Any) -> str:
    if isinstance(owner, LiveMapping):
        return "It"
    if isinstance(owner, Mapping):
        keys = [f"`{key}`" for key in list(owner)[:5]]
        more = ", …" if len(owner) > 5 else ""
        return f"A dictionary with {', '.join(keys)}{more}" if keys else "An empty dictionary"
    if isinstance(owner, list):
        return f"A list of {len(owner)}"
    words = describe_type(owner)
    return words[0].upper() + words[1:]


def _where_to_set(name: str) -> str:
    if name.startswith("ansible_"):
        return _GATHER
    return f"set it in `vars`, in group_vars or with `-e {name}=…`; text in an expression needs quotes: '{name}'"


def _hint(name: str, owner: Any) -> str:
    if not isinstance(owner, Mapping):
        return ""
    if not isinstance(owner, LiveMapping) and not owner:
        return _GATHER
    if not isinstance(owner, LiveMapping) and dict.get(dict(owner), "skipped") is True:
        return "the task that registered it was skipped; use `is skipped` or `default(…)`"
    return near(name, map(str, owner))


def syntax_error(error: TemplateSyntaxError, environment: RenderEnvironment, span: Span | None) -> TemplateError:
    message = error.message or "invalid template"
    unknown = unknown_name(message, environment)
    if unknown is not None:
        return TemplateError(unknown[0], hint=unknown[1], span=span)
    line = f" in line {error.lineno} of the template" if error.lineno > 1 else ""
    hint = ""
    if "'='" in message:
        hint = "write `==` to compare"
    elif "end of template" in message and "end of print statement" in message:
        message, hint = "the template ends before its `}}`", "close it with `}}`"
    elif "unexpected" in message or "expected token" in message or "Unexpected end" in message:
        hint = "check that braces, brackets and quotes are balanced"
    return TemplateError(f"Template syntax{line}: {message}", hint=hint, span=span)


def unknown_name(message: str, environment: RenderEnvironment) -> tuple[str, str] | None:
    """Message and hint for Jinja's "No filter named 'x'" (or test), else None."""
    for what, table in (("filter", environment.filters), ("test", environment.tests)):
        if message.startswith(f"No {what} named"):
            name = message.split("'")[1] if "'" in message else message
            return f"Unknown {what} `{name}`", near(name, [known for known in table if "." not in known])
    return None


def failure(error: Exception, environment: RenderEnvironment, span: Span | None) -> TemplateError:
    """Any other exception of a rendering."""
    unknown = unknown_name(str(error), environment)
    if unknown is not None:
        return TemplateError(unknown[0], hint=unknown[1], span=span)
    if isinstance(error, RecursionError):
        return TemplateError("Variables refer to each other too deeply", span=span,
                             hint="look for one that refers to itself through another host")
    if isinstance(error, SecurityError):
        return TemplateError(f"Not allowed in a template: {error}", span=span,
                             hint="a template may change lists and dictionaries it made itself, not variables")
    if isinstance(error, TemplateNotFound):
        return not_found(error, span)
    if isinstance(error, TemplateSyntaxError):  # of an included file
        return syntax_error(error, environment, Span(error.filename, error.lineno) if error.filename else span)
    return TemplateError(f"Template failed: {error}", span=span)


def not_found(error: TemplateNotFound, span: Span | None) -> TemplateError:
    """What a template includes, imports or extends is not there."""
    names = ", ".join(f"`{name}`" for name in getattr(error, "templates", [error.name]))
    return TemplateError(f"Template {names} not found", span=span,
                         hint="it is looked for in `templates/` of the role or playbook, and beside the file that "
                              "names it; `{% include … ignore missing %}` does without")


def not_boolean(condition: Condition, value: Value) -> ConditionError:
    shown = "" if isinstance(value, Secret) or value is None else f" ({_short(value)})"
    hint = "compare it, or use `| bool` or `is truthy`"
    if isinstance(value, (list, dict)):
        hint = "use `… | length > 0`"
    elif value is None:
        hint = "use `is not none`, or give it a value"
    if condition.braced and isinstance(value, str):
        return untrusted(value, condition.span)
    return ConditionError(f"The condition `{condition.source}` is {describe_type(value)}{shown}, not a boolean",
                          hint=hint, span=condition.span)


def untrusted(text: str, span: Span | None) -> ConditionError:
    """A text that would be run, and does not stand in a file of the user."""
    return ConditionError(f"Encountered untrusted template or expression: {_short(text)}",
                          hint="only texts of your own files are run, as they stand there: not what a template makes, "
                               "a host says or `!unsafe` marks", span=span)


def loose(condition: Condition, value: Value) -> Diagnostic:
    """The same as a warning, for who asked for conditions as they were before; with the line as it should be."""
    mended = f"({condition.source})" if " " in condition.source.strip() else condition.source.strip()
    return Diagnostic("Condition that is not boolean",
                      f"`{condition.source}` is {describe_type(value)}; taken for {str(bool(value)).lower()}, "
                      "which is deprecated", condition.span, f"write `{mended} is truthy`", "warning")


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
