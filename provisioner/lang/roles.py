"""Roles: finding them, reading their parts, and putting their tasks where they are used."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Final, TypeAlias

from provisioner.diag import Span, near
from provisioner.lang.argspecs import checking_task
from provisioner.lang.arguments import Call
from provisioner.lang.context import Context
from provisioner.lang.fields import says, wrong_type
from provisioner.lang.keywords import KEYWORDS, Place
from provisioner.lang.model import HandlerSection, Include, Node, Role, Task
from provisioner.lang.nodes import Map, Scalar, Seq, describe, to_value
from provisioner.lang.nodes import Node as YamlNode
from provisioner.lang.own import read_own
from provisioner.lang.paths import find_role, is_outside, missing, role_files
from provisioner.lang.source import is_directory, join
from provisioner.lang.state import Loading
from provisioner.values import Template, Value

BuildTasks: TypeAlias = Callable[[list[YamlNode], Context, Loading], tuple[Node, ...]]

_FROM: Final = {"tasks": "tasks_from", "vars": "vars_from", "defaults": "defaults_from", "handlers": "handlers_from"}
_USE_ARGUMENTS: Final = ("name", "role", *_FROM.values(), "public", "allow_duplicates", "apply", "rolespec_validate")
#: Keys of a role entry that only say where the role comes from (requirements files share the form).
_ORIGIN: Final = ("role", "name", "src", "version", "scm")


@dataclass(frozen=True, slots=True)
class Use:
    """One mention of a role. files: the part's name → which file of it (`tasks_from` …)."""

    name: str
    span: Span
    params: Mapping[str, Value] = field(default_factory=dict)
    vars: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    public: bool | None = None
    """None: as the setting `private_role_vars` has it."""
    listed: bool = False
    """Under `roles:` or as a dependency, not by a task."""
    manner: Hashable = ()
    """What tells uses apart besides path, params, vars and files."""
    once: bool = False
    """Whether a host passes over it that went through an equal use before."""
    imported: bool = False
    validated: bool = True
    """Whether its arguments are checked against `meta/argument_specs.yml`."""


def role_list(node: YamlNode, context: Context, loading: Loading, build: BuildTasks) -> tuple[Node, ...]:
    """The tasks of all entries under `roles:`, dependencies first."""
    if not isinstance(node, Seq):
        if not (isinstance(node, Scalar) and node.value is None):
            wrong_type("roles", "a list of roles", node, loading.found)
        return ()
    nodes: list[Node] = []
    for item in node.items:
        nodes.extend(_entry(item, context, loading, build))
    return tuple(nodes)


def _entry(item: YamlNode, context: Context, loading: Loading, build: BuildTasks) -> tuple[Node, ...]:
    """One entry of `roles:` or of a role's dependencies."""
    if isinstance(item, Scalar) and item.value is not None:
        name = loading.render_now(to_value(item), context, "the role name", item.span)
        return _run(Use(name, item.span, listed=True, once=True), context, loading, build) if name else ()
    if not isinstance(item, Map):
        loading.found.error("Wrong type", f"a role must be a name or a mapping, not {describe(item)}", item.span)
        return ()
    name_node = item.get("role") or item.get("name") or item.get("src")
    if not isinstance(name_node, Scalar) or name_node.value is None:
        loading.found.error("No role name", "the entry does not say which role", item.span, hint="write `role: NAME`")
        return ()
    name = loading.render_now(to_value(name_node), context, "the role name", name_node.span)
    own = read_own(item, Place.ROLE, context, loading)
    variables = own.pop("vars", None) or {}
    params = {
        str(key.value): to_value(value) for key, value in item.entries
        if key.text not in _ORIGIN and not (key.text in KEYWORDS and Place.ROLE in KEYWORDS[key.text].on)
    }
    if name is None:
        return ()
    manner = tuple(condition.source for condition in own.get("when") or ()), frozenset(own.get("tags") or ())
    use = Use(name, name_node.span, params, variables, listed=True, manner=manner if any(manner) else (), once=True)
    return _run(use, context.inside(own), loading, build)


def check_use(call: Call, loading: Loading) -> None:
    """Tell what is wrong with the arguments of include_role / import_role."""
    wrong = [name for name in call.args if name not in _USE_ARGUMENTS]
    for name in wrong:
        loading.found.error("Wrong argument", f"Unsupported parameters for ({call.module}) module: {name}",
                            call.spans[name], hint=near(name, _USE_ARGUMENTS))
    for name in _FROM.values():
        value = call.args.get(name)
        if not isinstance(value, (str, Template, NoneType)):
            loading.found.error("Wrong argument", f"Expected a string for {name} but got {value!r}", call.spans[name])
    if not wrong and call.args.get("name") is None and call.args.get("role") is None:
        loading.found.error("Wrong argument", f"`{call.module}` needs `name`", call.span)


def import_role(call: Call, context: Context, loading: Loading, build: BuildTasks) -> tuple[Node, ...]:
    """The tasks of an `import_role`, read now; `context` has the import's keywords already."""
    check_use(call, loading)
    span = call.spans.get("name", call.spans.get("role", call.span))
    files: dict[str, str] = {}
    for part, argument in _FROM.items():
        if call.args.get(argument) is not None:
            text = loading.render_now(call.args[argument], context, f"`{argument}`", call.spans[argument])
            if text is None:
                return ()
            files[part] = text
    value = call.args.get("name", call.args.get("role"))
    name = loading.render_now(value, context, "the role name", span) if value is not None else None
    if name is None:
        return ()
    public = says(call.args.get("public"), not loading.options.private_roles)
    validated = says(call.args.get("rolespec_validate"), True)
    use = Use(name, span, files=files, public=public, once=not says(call.args.get("allow_duplicates"), True),
              imported=True, validated=validated)
    return _run(use, context, loading, build)


@dataclass(frozen=True, slots=True)
class LoadedRole:
    """What an include_role brings: tasks, handlers (dependencies' first) and the roles to know about."""

    nodes: tuple[Node, ...]
    sections: tuple[HandlerSection, ...]
    role: Role | None
    """The included role; None when it was not found."""
    roles: tuple[Role, ...] = ()
    """The role and its dependencies, in the order they run, where the include is public."""


def include_role(
    include: Include, args: Mapping[str, Value], context: Context, loading: Loading, build: BuildTasks
) -> LoadedRole:
    """The role of a dynamic include; `args` are its rendered arguments."""
    span = include.task.span
    name = args.get("name", args.get("role"))
    files = {part: str(args[argument]) for part, argument in _FROM.items() if args.get(argument) is not None}
    public = says(args.get("public"), loading.options.private_roles is False)
    use = Use(str(name), span, files=files, public=public, once=not says(args.get("allow_duplicates"), True),
              imported=True,
              validated=says(args.get("rolespec_validate"), True))
    nodes = _run(use, context, loading, build)
    role = loading.used_roles[-1] if loading.used_roles else None
    return LoadedRole(nodes, tuple(loading.imported_sections), role, tuple(loading.used_roles) if public else ())


def _run(use: Use, context: Context, loading: Loading, build: BuildTasks) -> tuple[Node, ...]:
    """The tasks of one use of a role, after those of its dependencies. Handlers of equal uses are there once."""
    path = find_role(use.name, context, loading.options, use.span, loading.found)
    if path is None:
        return ()
    part = join(join(path, "tasks"), use.files["tasks"]) if "tasks" in use.files else path
    entered = loading.enter(part, context, use.span)
    if entered is None:
        return ()
    meta = _Meta.read(path, loading)
    role = Role(
        name=use.name, path=path, params=use.params,
        public=not loading.options.private_roles if use.public is None else use.public,
        defaults=_variables(path, "defaults", use, loading),
        vars=_variables(path, "vars", use, loading),
        parents=(context.role, *context.role.parents) if context.role else (),
        dependency=use.listed and context.role is not None,
        identity=(use.listed, use.manner, path, _frozen(use.params), _frozen(use.vars), _frozen(use.files)),
        once=use.once and not (use.listed and meta.allow_duplicates),
    )
    # `vars:` of the entry are for its own tasks, as if a block were around them, not for the play.
    inner = replace(entered, role=role).inside({"vars": use.vars})
    nodes: list[Node] = []
    for dependency in meta.dependencies:
        nodes.extend(_entry(dependency, inner, loading, build))
    loading.used_roles.append(role)
    check = checking_task(role, use.files.get("tasks", "main"), use.span, inner, loading) if use.validated else None
    if check is not None:
        nodes.append(check)
    for file in _files(path, "tasks", use, loading):
        nodes.extend(build(loading.parse_list(file, use.span, "tasks"), replace(inner, file=file), loading))
    if use.listed and role.once:
        if role.identity in loading.listed_roles:
            return tuple(nodes)
        loading.listed_roles.add(role.identity)
    handlers: list[Node] = []
    for file in _files(path, "handlers", use, loading):
        items = loading.parse_list(file, use.span, "handlers")
        handlers.extend(build(items, replace(inner, file=file, handlers=True), loading))
    if handlers:
        sections = loading.imported_sections if use.imported else loading.sections
        sections.append(HandlerSection(role, tuple(node for node in handlers if isinstance(node, (Task, Include)))))
    return tuple(nodes)


def _variables(path: str, part: str, use: Use, loading: Loading) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for file in _files(path, part, use, loading):
        node = loading.parse_variables(file, use.span)
        if node is not None:
            values.update(to_value(node))
    return values


def _files(path: str, part: str, use: Use, loading: Loading) -> list[str]:
    """The files of one part of the role; one that is asked for by name must exist."""
    name = use.files.get(part)
    files = role_files(path, part, name)
    if name and not files:
        wanted = join(join(path, part), name)
        if is_outside(wanted, path):
            loading.found.error("Not of the role", f"Failed loading {name!r} for role {use.name!r} as it is not inside "
                                f"the expected role path: {path!r}", use.span)
        else:
            missing("File not found", f"role `{use.name}` has no {part} `{name}`", [wanted], use.span, loading.found)
    return files


@dataclass(frozen=True, slots=True)
class _Meta:
    dependencies: tuple[YamlNode, ...] = ()
    allow_duplicates: bool = False

    @staticmethod
    def read(path: str, loading: Loading) -> _Meta:
        files = role_files(path, "meta", None) if is_directory(join(path, "meta")) else []
        node = loading.parse_map(files[0]) if files else None
        if node is None:
            return _Meta()
        dependencies = node.get("dependencies")
        items: tuple[YamlNode, ...] = ()
        if isinstance(dependencies, Seq):
            items = tuple(dependencies.items)
        elif dependencies is not None and not (isinstance(dependencies, Scalar) and dependencies.value is None):
            wrong_type("dependencies", "a list of roles", dependencies, loading.found)
        allow = node.get("allow_duplicates")
        return _Meta(items, isinstance(allow, Scalar) and allow.value is True)


def _frozen(value: Value) -> Hashable:
    """A hashable stand-in that is equal for equal data, wherever it was written."""
    if isinstance(value, Mapping):
        return tuple(sorted(((str(key), _frozen(item)) for key, item in value.items()), key=repr))
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, Template):
        return ("template", value.source)
    return (type(value).__name__, value)
