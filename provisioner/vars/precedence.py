"""The order in which variables win, as Ansible documents it ("Understanding variable precedence").

`LEVELS` is that order, lowest first; `assemble` makes the layers of a `Scope` for one host and task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from provisioner.lang.model import Role
from provisioner.values import Value
from provisioner.vars.scope import Layer

Variables = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that may set a variable for one host and task; fields are in order, lowest first.

    Where a field is a sequence, later entries win. Entries that carry their own label are layers.
    """

    role_defaults: Sequence[Layer] = ()
    """Of the play's roles in order, then of the task's own role: see `role_layers`."""
    inventory: Sequence[Layer] = ()
    """Group and host variables, in the order the inventory says (`inventory` knows groups and files)."""
    facts: Variables = field(default_factory=dict)
    """`ansible_facts` and the injected `ansible_*` names: see `facts.inject`."""
    play_vars: Variables = field(default_factory=dict)
    vars_prompt: Variables = field(default_factory=dict)
    vars_files: Sequence[Layer] = ()
    role_vars: Sequence[Layer] = ()
    task_vars: Sequence[Variables] = ()
    """Of blocks from the outermost in, then the task's own."""
    include_vars: Variables = field(default_factory=dict)
    set_facts: Variables = field(default_factory=dict)
    """By `set_fact` and `register`, in one mapping: the later of two wins, whichever made it."""
    role_params: Sequence[Layer] = ()
    include_params: Sequence[Variables] = ()
    """Vars given on includes and imports, outermost first."""
    extra_vars: Variables = field(default_factory=dict)
    magic: Variables = field(default_factory=dict)
    """See `magic.magic_variables`; nothing may replace these."""
    loop: Variables = field(default_factory=dict)
    """`item` and friends, and what a `rescue` sees (`ansible_failed_task`)."""


#: Field of `Sources` and the words people know it by, lowest precedence first.
LEVELS: tuple[tuple[str, str], ...] = (
    ("role_defaults", "role defaults"),
    ("inventory", "inventory"),
    ("facts", "facts"),
    ("play_vars", "play vars"),
    ("vars_prompt", "vars_prompt"),
    ("vars_files", "vars_files"),
    ("role_vars", "role vars"),
    ("task_vars", "block and task vars"),
    ("include_vars", "include_vars"),
    ("set_facts", "set_fact or register"),
    ("role_params", "role parameters"),
    ("include_params", "include parameters"),
    ("extra_vars", "-e"),
    ("magic", "magic variables"),
    ("loop", "loop"),
)

assert [name for name, _ in LEVELS] == [known.name for known in fields(Sources)]


def assemble(sources: Sources) -> tuple[Layer, ...]:
    """The layers for `Scope`, highest precedence first; empty ones left out."""
    layers: list[Layer] = []
    for name, label in LEVELS:
        given = getattr(sources, name)
        if isinstance(given, Mapping):
            layers.append((label, given))
        else:
            layers.extend(entry if isinstance(entry, tuple) else (label, entry) for entry in given)
    return tuple(layer for layer in reversed(layers) if layer[1])


@dataclass(frozen=True, slots=True)
class RoleLayers:
    defaults: tuple[Layer, ...] = ()
    vars: tuple[Layer, ...] = ()
    params: tuple[Layer, ...] = ()


def role_layers(used: Iterable[Role], own: Role | None = None) -> RoleLayers:
    """What roles contribute to one task: those of the play that are public, then the task's own role.

    `own` sees also the vars and parameters of the roles that depend on it, and over those the vars of its own
    dependencies; its own win. Defaults of dependencies are the weakest of these.
    """
    chain = [*reversed(own.parents), own] if own else []
    needed: list[Role] = []
    visible: list[Role] = []
    for role in used:
        if any(role is above for above in chain):
            continue
        if role.dependency and own is not None and any(own is parent for parent in role.parents):
            needed.append(role)
        elif role.public:
            visible.append(role)
    return RoleLayers(
        tuple((f"defaults of role {role.name}", role.defaults)
              for role in (*visible, *needed, *chain) if role.defaults),
        tuple((f"vars of role {role.name}", role.vars)
              for role in (*visible, *chain[:-1], *needed, *chain[-1:]) if role.vars),
        tuple((f"parameters of role {role.name}", role.params) for role in chain if role.params),
    )
