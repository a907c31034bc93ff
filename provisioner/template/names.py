"""Which variables and effects a template, expression or nested value mentions, without rendering it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from jinja2 import Environment, meta, nodes

from provisioner.template.composing import PART, names_parts
from provisioner.template.literals import LOOKUPS
from provisioner.template.lookups import EFFECT_LOOKUPS, OWN

#: Lookups answered from their arguments and the scope alone; every other one is an effect.
PURE_LOOKUPS = frozenset({"vars", "varnames", "dict", "items", "list", "flattened", "nested", "cartesian",
                          "sequence", "subelements", "together", "indexed_items"})

_RANDOM_FILTERS = frozenset({"random", "shuffle", "password_hash"})
_FILE_TESTS = frozenset({"exists", "file", "is_file", "directory", "is_dir", "link", "is_link", "link_exists",
                         "mount", "is_mount"})


@dataclass(frozen=True, slots=True)
class Names:
    """What a value reads.

    variables: names of variables, those of loops and `set` inside the template left out.
    dynamic:   it may read any variable, or another host's (`vars[x]`, `hostvars`, `lookup('template')`,
               a template that it includes).
    effects:   kinds of `Effect` it may ask for ("pipe", "now", "random"; "lookup" when not told by name).
    """

    variables: frozenset[str] = frozenset()
    dynamic: bool = False
    effects: frozenset[str] = frozenset()

    def __or__(self, other: Names) -> Names:
        if other is NOTHING or self == other:
            return self
        if self is NOTHING:
            return other
        return Names(self.variables | other.variables, self.dynamic or other.dynamic,
                     self.effects | other.effects)


NOTHING = Names()


class _Tracking(meta.TrackingCodeGenerator):
    """As `meta.find_undeclared_variables` has it, but for computing with constants, which may fail."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.optimizer = None

    def _make_finalize(self) -> meta.TrackingCodeGenerator._FinalizeInfo:
        return self._FinalizeInfo(None, None)


def names_in(tree: nodes.Template) -> Names:
    """The names that a parsed template mentions."""
    tracking = _Tracking(cast(Environment, tree.environment))
    tracking.visit(tree)
    variables = set(tracking.undeclared_identifiers)
    effects: set[str] = set()
    open_vars = _uses_vars_openly(tree)
    dynamic = "hostvars" in variables or open_vars
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name):
            if call.node.name in LOOKUPS:
                dynamic |= _note_lookup(call, variables, effects)
            elif call.node.name == "now":
                effects.add("now")
    if names_parts(tree):
        effects.add(PART)
        dynamic = True
    for filtered in tree.find_all(nodes.Filter):
        effects.update(_effects_of_filters(filtered))
    for tested in tree.find_all(nodes.Test):
        effects.update(_effects_of_filters(tested))
    variables.update(_constant_keys_of_vars(tree))
    not_read = {*LOOKUPS, "now"} if open_vars else {*LOOKUPS, "now", "vars"}
    return Names(frozenset(variables - not_read), dynamic, frozenset(effects))


def _note_lookup(call: nodes.Call, variables: set[str], effects: set[str]) -> bool:
    """Add what one `lookup(…)` reads; True when it may read anything."""
    first, *terms = call.args or [nodes.Const(None)]
    if not isinstance(first, nodes.Const):
        effects.add("lookup")
        return True
    kind = str(first.value).removeprefix("ansible.builtin.")
    if kind not in PURE_LOOKUPS:
        effects.add(kind)
        return kind == "template" or kind not in {*EFFECT_LOOKUPS, *OWN}  # one of the user's own
    if kind == "vars":
        constant = [term.value for term in terms if isinstance(term, nodes.Const)]
        variables.update(map(str, constant))
        return len(constant) < len(terms)
    return kind == "varnames"


def _effects_of_filters(applied: nodes.Filter | nodes.Test) -> Iterator[str]:
    names = {str(applied.name).removeprefix("ansible.builtin.")}
    names.update(str(arg.value) for arg in applied.args[:1] if isinstance(arg, nodes.Const))  # map('random')
    if isinstance(applied, nodes.Filter) and names & _RANDOM_FILTERS:
        yield "random"
    if isinstance(applied, nodes.Filter) and "strftime" in names:
        yield "now"
    if names & _FILE_TESTS and (isinstance(applied, nodes.Test) or applied.name in {"select", "reject"}):
        yield "stat"


def _vars_by_key(tree: nodes.Template) -> Iterator[tuple[nodes.Name, str]]:
    """Each `vars.x` or `vars['x']` with a name known now."""
    for dotted in tree.find_all(nodes.Getattr):
        if isinstance(dotted.node, nodes.Name) and dotted.node.name == "vars":
            yield dotted.node, dotted.attr
    for indexed in tree.find_all(nodes.Getitem):
        owner, key = indexed.node, indexed.arg
        if isinstance(owner, nodes.Name) and owner.name == "vars" and isinstance(key, nodes.Const):
            yield owner, str(key.value)


def _constant_keys_of_vars(tree: nodes.Template) -> set[str]:
    return {key for _, key in _vars_by_key(tree)}


def _uses_vars_openly(tree: nodes.Template) -> bool:
    known = {id(name) for name, _ in _vars_by_key(tree)}
    return any(name.name == "vars" and id(name) not in known for name in tree.find_all(nodes.Name))
