"""Which constructs of the language a folder of playbooks and roles uses, read from its files without running them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, nodes

FOLDER = Path(__file__).parent
TABLE = FOLDER / "constructs.tsv"

Use = tuple[str, str]
"""Kind and name, as in the table."""

LISTS_OF_TASKS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")
EXPRESSIONS = frozenset({"when", "changed_when", "failed_when", "until", "that"})
FREE_FORM = re.compile(r"^[^{]*\b\w+=")
BY_SYSTEM = re.compile(r"ansible_(?:facts\W+)?(?:os_family|distribution)")

_templates = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def wanted(*shares: str) -> set[Use]:
    """The rows of the table with one of these shares, or all of them."""
    rows = (line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return {(kind, name) for kind, name, _, share in rows if not shares or share in shares}


def uses(folder: Path = FOLDER) -> dict[Use, str]:
    """Each construct with one file that uses it."""
    found: dict[Use, str] = {}
    for path in sorted(folder.rglob("*")):
        for use in _of_file(path, path.relative_to(folder)):
            found.setdefault(use, str(path.relative_to(folder)))
    return found


def _of_file(path: Path, name: Path) -> Iterator[Use]:
    if path.suffix == ".j2":
        yield "way", "template of a role"
        yield from _of_template(path.read_text())
    elif path.suffix == ".yml":
        content = yaml.safe_load(path.read_text())
        yield from _of_texts(content)
        yield from _of_part(name, content)


def _of_part(name: Path, content: Any) -> Iterator[Use]:
    """By where a file stands: a playbook, or a part of a role."""
    part = name.parts[2] if name.parts[0] == "roles" else ""
    if part in ("tasks", "handlers") or (not part and name.parent.name in ("hooks", "provision")):
        yield from _of_tasks(content or [], handlers=part == "handlers")
    elif part == "meta":
        if name.name == "argument_specs.yml":
            yield "way", "specification of arguments"
        yield from (("way", "dependency of a role") for _ in content.get("dependencies", ()))
    elif not part and isinstance(content, list):
        for play in content:
            yield from _of_play(play)
    if part in ("defaults", "vars", "handlers"):
        yield "way", f"{part} of a role"


def _of_play(play: dict[str, Any]) -> Iterator[Use]:
    yield from (("play keyword", keyword) for keyword in play)
    for entry in play.get("roles", ()):
        if isinstance(entry, dict):
            yield "way", "words of a role entry in braces"
    for keyword in LISTS_OF_TASKS:
        yield from _of_tasks(play.get(keyword, ()), handlers=keyword == "handlers")


def _of_tasks(tasks: Any, *, handlers: bool = False) -> Iterator[Use]:
    modules = {name for kind, name in wanted() if kind == "module"}
    for task in tasks:
        for keyword, value in task.items():
            short = keyword.removeprefix("ansible.builtin.")
            short = short if short in modules or "." not in short else short.rpartition(".")[2]
            yield "task keyword", keyword
            if short in modules or keyword in modules:
                yield "module", short
                yield "module", keyword
                yield from _of_module(short, value, task)
            if keyword in ("block", "rescue", "always"):
                yield from _of_tasks(value)
            elif keyword == "listen":
                yield "way", "listen of a handler"
            elif keyword == "with_first_found":
                yield "way", "first file found"
        if handlers:
            yield "way", "handlers of a role"


def _of_module(module: str, value: Any, task: dict[str, Any]) -> Iterator[Use]:
    text = str(value)
    if isinstance(value, str) and FREE_FORM.match(value):
        yield "way", "free-form words of a module"
    if module == "include_tasks" and "{{" in text:
        yield "way", "a file of tasks named by a variable"
    if module in ("include_tasks", "import_tasks") and BY_SYSTEM.search(text + str(task.get("when"))):
        yield "way", "tasks by the name of the system"
    if module == "include_vars" and BY_SYSTEM.search(text + str(task.get("with_first_found"))):
        yield "way", "variables by the name of the system"
    if module == "import_role":
        yield "way", "import of a role"


def _of_texts(content: Any, keyword: str = "") -> Iterator[Use]:
    """Of every text in the data; conditions are expressions without braces."""
    if isinstance(content, dict):
        for key, value in content.items():
            if str(key).startswith("with_"):
                yield "lookup", str(key).removeprefix("with_").rpartition(".")[2]
            yield from _of_texts(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from _of_texts(value, keyword)
    elif isinstance(content, str):
        yield from _of_template(f"{{{{ {content} }}}}" if keyword in EXPRESSIONS else content)


def _of_template(text: str) -> Iterator[Use]:
    try:
        tree = _templates.parse(text)
    except TemplateSyntaxError:  # text with braces of another language
        return
    for node in tree.find_all(nodes.Node):
        match node:
            case nodes.Filter():
                yield "filter", node.name.removeprefix("ansible.builtin.")
                if node.name in ("select", "selectattr", "reject", "rejectattr"):
                    yield from (("test", arg.value) for arg in node.args if isinstance(arg, nodes.Const))
                if node.name == "map":
                    yield from (("filter", arg.value) for arg in node.args if isinstance(arg, nodes.Const))
            case nodes.Test():
                yield "test", node.name
            case nodes.Compare():
                yield from (("test", "in") for operand in node.ops if operand.op in ("in", "notin"))
            case nodes.Name():
                yield "variable", node.name
            case nodes.Getattr():
                yield "method", node.attr
                yield "variable", node.attr if node.attr.startswith("ansible_") else f"ansible_{node.attr}"
            case nodes.Call(node=nodes.Name(name="lookup" | "query" | "q")):
                if isinstance(node.args[0], nodes.Const):
                    yield "lookup", str(node.args[0].value)
            case nodes.If() | nodes.CondExpr() | nodes.For() | nodes.Block() | nodes.Assign():
                yield "statement", type(node).__name__
