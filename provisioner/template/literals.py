"""What Ansible makes of texts in templates, beyond Jinja: their backslashes, and braces in a lookup's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from jinja2 import Environment, nodes

LOOKUPS: Final = frozenset({"lookup", "query", "q"})


def keep_backslashes(source: str, environment: Environment) -> str:
    r"""A value's template with the backslashes in its texts doubled, so that Jinja leaves them as they stand.

    That is how `'\\1'` of a double-quoted YAML text reaches `regex_replace` as a group. Texts in statements, in bare
    expressions and in files are Jinja's own.

    >>> keep_backslashes(r"{{ x | regex_replace('(a)', '\1') }} \ {% set y = '\n' %}", Environment())
    "{{ x | regex_replace('(a)', '\\\\1') }} \\ {% set y = '\\n' %}"
    """
    if "\\" not in source or "{{" not in source:
        return source
    pieces, inside = [], False
    for _, kind, text in environment.lex(source):
        inside = kind == "variable_begin" or (inside and kind != "variable_end")
        pieces.append(text.replace("\\", "\\\\") if inside and kind == "string" else text)
    return "".join(pieces)


def render_terms(tree: nodes.Template, parse: Callable[[str], nodes.Template]) -> nodes.Template:
    """Make each constant text with braces among a lookup's arguments, but for its name, the template that it is.

    Only braces are: a text with statements stays as it is. Other functions and filters are given texts as they stand.
    """
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in LOOKUPS:
            call.args[1:] = [_rendered(argument, parse) for argument in call.args[1:]]
            for named in call.kwargs:
                named.value = _rendered(named.value, parse)
    return tree


def _rendered(argument: nodes.Expr, parse: Callable[[str], nodes.Template]) -> nodes.Expr:
    if not (isinstance(argument, nodes.Const) and isinstance(argument.value, str) and "{{" in argument.value):
        return argument
    outputs = parse(argument.value).body
    if not all(isinstance(output, nodes.Output) for output in outputs):
        return argument
    parts = [part for output in outputs if isinstance(output, nodes.Output) for part in output.nodes]
    told = [nodes.Const(part.data) if isinstance(part, nodes.TemplateData) else part for part in parts]
    for part in told:
        part.set_lineno(argument.lineno)
    return told[0] if len(told) == 1 else nodes.Concat(told, lineno=argument.lineno)
