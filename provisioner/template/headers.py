"""Jinja settings of a file template: the `template` module's arguments and a `#jinja2:` first line."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from provisioner.diag import TemplateError, near
from provisioner.values import Value

_SETTINGS = {
    "block_start_string": str, "block_end_string": str, "variable_start_string": str,
    "variable_end_string": str, "comment_start_string": str, "comment_end_string": str,
    "line_statement_prefix": str, "line_comment_prefix": str, "newline_sequence": str,
    "trim_blocks": bool, "lstrip_blocks": bool, "keep_trailing_newline": bool,
}
_HEADER = "#jinja2:"
_PAIR = re.compile(r"""\s*(\w+)\s*:\s*('[^']*'|"[^"]*"|[^,]*)\s*(?:,|$)""")


def read_header(source: str, overrides: Mapping[str, Value]) -> tuple[dict[str, Value], str, int]:
    """Settings, the source without its header line, and how many lines that took.

    >>> read_header("#jinja2: trim_blocks: False\\nx", {"lstrip_blocks": True})
    ({'lstrip_blocks': True, 'trim_blocks': False}, 'x', 1)
    """
    settings = {name: _checked(name, value) for name, value in overrides.items() if value is not None}
    if not source.startswith(_HEADER):
        return settings, source, 0
    header, _, body = source.partition("\n")
    settled = header.removeprefix(_HEADER)
    if ":" not in settled:
        raise TemplateError(f"Missing key-value separator in the template's first line: `{header}`",
                            hint="write settings as `#jinja2: name: value, other: value`")
    for name, value in _PAIR.findall(settled):
        try:
            settings[name] = _checked(name, ast.literal_eval(value.strip()))
        except (ValueError, SyntaxError):
            settings[name] = _checked(name, value.strip())
    return settings, body, 1


def _checked(name: str, value: Value) -> Value:
    wanted = _SETTINGS.get(name)
    if wanted is None:
        raise TemplateError(f"`{name}` is not a template setting", hint=near(name, _SETTINGS))
    if name == "newline_sequence":
        value = str(value).replace("\\r", "\r").replace("\\n", "\n")
    if not isinstance(value, wanted):
        raise TemplateError(f"The template setting `{name}` must be a {wanted.__name__}, not {value!r}")
    return value
