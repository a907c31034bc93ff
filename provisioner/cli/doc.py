"""`provision doc`: what modules do and take, from their Specs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from provisioner.actions.registry import Registry
from provisioner.diag import UsageError, near
from provisioner.lang.modules import ALIASES, canonical, known_modules
from provisioner.remote.spec import Arg, Spec

_WIDTH: Final = 100
_STEPS: Final = "nextjs_"
"""What `nextjs_app` is made of: modules of its own that no playbook calls."""

_CHECK_MODE: Final[Mapping[str, str]] = {
    "state": "compares and changes nothing",
    "predict": "tells what it would do and changes nothing",
    "run": "runs, as it only reads",
    "skip": "is not run; its outcome is unknown",
}


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE...]")
@click.option("-l", "--list", "listed", is_flag=True, help="All modules, with what each does.")
@click.option("-j", "--json", "as_json", is_flag=True, help="As JSON.")
@click.option("-s", "--snippet", is_flag=True, help="A task to start from.")
def doc(modules: tuple[str, ...], *, listed: bool, as_json: bool, snippet: bool) -> None:
    """Show what a module does and takes."""
    if not modules and not listed:
        raise UsageError("name a module, or say --list")
    known = known_modules()
    registry = Registry()
    specs = {name: spec for name in (sorted(known) if listed else [_resolve(name, known) for name in modules])
             if (spec := _spec(registry, name)) is not None and not (listed and _is_step(name))}
    if as_json:
        click.echo(json.dumps({name: as_data(spec) for name, spec in specs.items()}, indent=2))
    elif listed:
        width = max(map(len, specs))
        for name, spec in specs.items():
            click.echo(f"{name:<{width}}  {spec.summary}")
    else:
        render = snippet_of if snippet else text_of
        click.echo("\n\n".join(render(spec) for spec in specs.values()))


def _resolve(name: str, known: frozenset[str]) -> str:
    short = canonical(name, known)
    if short is not None and short not in known:
        raise UsageError(f"the module {name!r} is known from Ansible, but provision does not have it",
                         hint="`provision doc --list` shows those it has")
    if short is None:
        raise UsageError(f"there is no module {name!r}", hint=near(name, known) or "`provision doc --list` shows all")
    if _spec(Registry(), short) is None:
        raise UsageError(f"{name!r} is part of the language and has no page of its own")
    return short


def _spec(registry: Registry, name: str) -> Spec | None:
    info = registry.get(name)
    return info.spec if info is not None else None


def _is_step(name: str) -> bool:
    return name.startswith(_STEPS) and name != "nextjs_app"


def text_of(spec: Spec) -> str:
    """The page of one module."""
    lines = [f"{spec.name}: {spec.summary}", ""]
    aliases = [alias for alias, name in ALIASES.items() if name == spec.name]
    if aliases:
        lines += [f"Also called: {', '.join(aliases)}", ""]
    shown = {name: arg for name, arg in spec.args.items() if not arg.internal}
    if shown:
        lines += ["Arguments (* must be given):", *_arguments(shown, "  ", spec.free_form)]
    if spec.open_ended:
        lines.append("  Any further argument is taken.")
    lines += [f"  {rule}" for rule in _rules(spec)]
    lines += ["", f"Check mode: {_CHECK_MODE.get(spec.check, spec.check)}."]
    if spec.notes.strip():
        lines += ["", *_wrapped(spec.notes, "")]
    if spec.returns:
        lines += ["", "Returns:", *(f"  {name}: {text}" for name, text in spec.returns.items())]
    if spec.examples.strip():
        lines += ["", "Examples:", "", textwrap.indent(spec.examples.strip("\n"), "  ")]
    return "\n".join(lines)


def _arguments(args: Mapping[str, Arg], indent: str, free_form: str | None = None) -> Iterator[str]:
    for name, arg in args.items():
        kind = f"list of {arg.elements}" if arg.type == "list" and arg.elements else arg.type
        facts = [kind]
        if arg.choices:
            facts.append("one of " + ", ".join(map(str, arg.choices)))
        if arg.default is not None:
            facts.append(f"default {_literal(arg.default)}")
        if arg.aliases:
            facts.append(f"also {', '.join(arg.aliases)}")
        if arg.secret:
            facts.append("never shown")
        if name == free_form:
            facts.append("may be given as the bare text")
        yield f"{indent}{name}{'*' if arg.required else ''} ({'; '.join(facts)})"
        yield from _wrapped(arg.doc, indent + "    ")
        if arg.options:
            yield from _arguments(arg.options, indent + "    ")


def _rules(spec: Spec) -> Iterator[str]:
    for group in spec.required_one_of:
        yield f"One of {', '.join(group)} is needed."
    for group in spec.mutually_exclusive:
        yield f"{', '.join(group)}: only one of them."
    for group in spec.required_together:
        yield f"{', '.join(group)} go together."
    for name, value, needed in spec.required_if:
        yield f"{name}: {value} needs {', '.join(needed)}."


def _wrapped(text: str, indent: str) -> list[str]:
    return [line for paragraph in text.strip().splitlines()
            for line in textwrap.wrap(paragraph, _WIDTH, initial_indent=indent, subsequent_indent=indent)]


def snippet_of(spec: Spec) -> str:
    """A task with every argument: those that must be given first, the others as comments."""
    lines = [f"- name: {spec.summary}", f"  {spec.name}:"]
    args = {name: arg for name, arg in spec.args.items() if not arg.internal}
    for name, arg in sorted(args.items(), key=lambda entry: not entry[1].required):
        if arg.required:
            lines.append(f"    {name}:  # {arg.type}; {arg.doc}".rstrip(" ;"))
        else:
            lines.append(f"    # {name}: {'' if arg.default is None else _literal(arg.default)}".rstrip())
    if not any(arg.required for arg in args.values()):
        lines[1] = f"  {spec.name}: {{}}"  # nothing but comments below would be null
    return "\n".join(lines)


def as_data(spec: Spec) -> dict[str, Any]:
    """The Spec as JSON data."""
    data = spec._asdict()
    data["args"] = _args_data(spec.args)
    return data


def _args_data(args: Mapping[str, Arg]) -> dict[str, Any]:
    return {name: {**arg._asdict(), "options": None if arg.options is None else _args_data(arg.options)}
            for name, arg in args.items() if not arg.internal}


def _literal(value: object) -> str:
    return json.dumps(value, default=str)
