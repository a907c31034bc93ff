"""The typed tree that a playbook becomes: plays, blocks, tasks, handlers, includes, roles.

The builder flattens everything static: a `Task` carries the *effective* keywords (its own, its blocks',
its role's and its play's, merged by Ansible's rules), so the engine never looks upwards. Values that hold
braces are `Template`; conditions are `Condition`; nothing is rendered here.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from provisioner.diag import Span
from provisioner.values import Condition, Value

WHOLE: Final = "{{ }}"
"""The argument that stands for all that one template gives (`copy: "{{ arguments }}"`); those beside it win."""


@dataclass(frozen=True, slots=True)
class Role:
    """One use of a role."""

    name: str
    path: str
    defaults: Mapping[str, Value] = field(default_factory=dict)
    vars: Mapping[str, Value] = field(default_factory=dict)
    params: Mapping[str, Value] = field(default_factory=dict)
    parents: tuple[Role, ...] = ()
    """Roles that depend on this one, nearest first: their `files/` and `templates/` are searched too."""
    public: bool = True
    """Whether defaults and vars are visible to the rest of the play (`roles:` and imports: yes)."""
    dependency: bool = False
    """Whether it runs because another role's `meta` names it."""
    identity: Hashable = ()
    """Equal for uses of the same role in the same way."""
    once: bool = False
    """Whether a host that went through an equal use in this play passes over this one."""


@dataclass(frozen=True, slots=True)
class Become:
    """Who to become. None means "not said here"; a variable (`ansible_become_user` …) beats it."""

    enabled: Value = None
    method: Value = None
    user: Value = None
    flags: Value = None
    exe: Value = None


@dataclass(frozen=True, slots=True)
class LoopControl:
    loop_var: Value = "item"
    index_var: Value = None
    label: Value = None
    pause: Value = None
    extended: Value = False
    extended_allitems: Value = True
    break_when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """`kind` is "loop", "items" for `with_items`, or the lookup's name for any other `with_x`."""

    kind: str
    items: Value
    control: LoopControl = LoopControl()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task or handler with its effective keywords."""

    module: str
    """Short canonical name (`copy`), after redirects of `ansible.builtin.copy`, `ansible.posix.sysctl` …"""
    args: Mapping[str, Value]
    """Arguments by name; the free form is under `_raw_params`."""
    span: Span
    name: Value = None
    """As written; None when the task has none (shown as the module's name)."""
    role: Role | None = None
    file: str = ""
    """The file the task stands in, for searching `files/` and `templates/` beside it."""
    vars: tuple[Mapping[str, Value], ...] = ()
    """Block vars outermost first, then the task's own (last wins)."""
    include_vars_: tuple[Mapping[str, Value], ...] = ()
    """Vars given on the includes and imports that lead here, outermost first (precedence 21)."""
    when: tuple[Condition, ...] = ()
    """All must hold; the outermost block's first."""
    loop: Loop | None = None
    register: str | None = None
    changed_when: tuple[Condition, ...] | None = None
    failed_when: tuple[Condition, ...] | None = None
    until: tuple[Condition, ...] | None = None
    retries: Value = None
    delay: Value = None
    ignore_errors: Value = None
    ignore_unreachable: Value = None
    notify: tuple[Value, ...] = ()
    tags: frozenset[str] = frozenset()
    become: Become = Become()
    delegate_to: Value = None
    delegate_facts: Value = None
    run_once: Value = None
    environment: tuple[Value, ...] = ()
    """Mappings (or templates of mappings), outermost first; later ones win."""
    check_mode: Value = None
    diff: Value = None
    no_log: Value = None
    any_errors_fatal: Value = None
    throttle: Value = None
    timeout: Value = None
    connection: Value = None
    remote_user: Value = None
    port: Value = None
    async_: Value = None
    poll: Value = None
    listen: tuple[str, ...] = ()
    """Handlers only: topics this handler answers to, beside its name."""
    implicit: bool = False
    """Made by the tool, not written by the user (gathering facts, flushing handlers)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Keywords of the block are already merged into the tasks inside it."""

    body: tuple[Node, ...]
    rescue: tuple[Node, ...] = ()
    always: tuple[Node, ...] = ()
    name: Value = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Include:
    """A dynamic `include_tasks` or `include_role`, decided host by host when it is reached.

    `task` has the include's own keywords (`when`, loop, tags, vars, register …) and its arguments.
    `apply` are the keywords given to every task inside (from `apply:`), still as YAML data.
    """

    kind: Literal["tasks", "role"]
    task: Task
    apply: Mapping[str, Value] = field(default_factory=dict)
    for_handlers: bool = False
    inherited: object = field(default=None, repr=False, compare=False)
    """What the tasks inside inherit (a `lang.context.Context`); made and read by the loader only."""


Node: TypeAlias = Task | Block | Include


@dataclass(frozen=True, slots=True)
class HandlerSection:
    """Handlers of one source (a role or the play), in definition order."""

    role: Role | None
    handlers: tuple[Task | Include, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A variable that somebody is asked for when the play begins, if `-e` does not give it."""

    name: str
    span: Span
    text: Value = None
    default: Value = None
    private: bool = True
    confirm: bool = False
    encrypt: str | None = None
    """`sha256` or `sha512`: what is typed is a password of which the variable holds the hash."""
    salt: str | None = None
    salt_size: int = 8


@dataclass(frozen=True, slots=True)
class Play:
    hosts: Value
    span: Span
    name: Value = None
    file: str = ""
    gather_facts: Value = None
    """None means the default (gather)."""
    gather_subset: Value = None
    gather_timeout: Value = None
    fact_path: Value = None
    vars_prompt: tuple[Prompt, ...] = ()
    pre_tasks: tuple[Node, ...] = ()
    roles: tuple[Node, ...] = ()
    """Tasks of `roles:` in order, dependencies first."""
    tasks: tuple[Node, ...] = ()
    post_tasks: tuple[Node, ...] = ()
    handlers: tuple[HandlerSection, ...] = ()
    """Sections in load order: roles first, then the play's own."""
    used_roles: tuple[Role, ...] = ()
    """Roles whose defaults and vars every task of the play sees, in order."""
    vars: Mapping[str, Value] = field(default_factory=dict)
    vars_files: tuple[Value, ...] = ()
    """Each a path, or a tuple of paths of which the first that exists is taken."""
    serial: tuple[Value, ...] = ()
    strategy: Value = None
    any_errors_fatal: Value = None
    max_fail_percentage: Value = None
    force_handlers: Value = None
    order: Value = None
    ignore_unreachable: Value = None
    tags: frozenset[str] = frozenset()
    template: Task | None = None
    """A task with the play's own inheritable keywords, from which implicit tasks are made."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """An entry of `machines:`, rendered. places: where the value of each key stands."""

    values: Mapping[str, Value]
    span: Span
    places: Mapping[str, Span]


@dataclass(frozen=True, slots=True)
class MachinesPlay:
    """Machines of a site, which exist before any task runs."""

    site: str
    declarations: tuple[Declaration, ...]
    span: Span
    name: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    plays: tuple[Play, ...]
    file: str
    machines: tuple[MachinesPlay, ...] = ()


def is_from_template(module: str) -> bool:
    """Whether a task says by a template which module it is: `action: "{{ ansible_facts.pkg_mgr }}"`."""
    return "{{" in module
