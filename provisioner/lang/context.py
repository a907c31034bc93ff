"""What tasks inherit: the keywords of everything around them, merged on the way down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provisioner.diag import Span
from provisioner.lang.keywords import KEYWORDS, Merge
from provisioner.lang.model import Become, Role, Task
from provisioner.values import Condition, Inheriting, Template, Value

_BECOME: Final = {"become": "enabled", "become_user": "user", "become_method": "method", "become_flags": "flags",
                  "become_exe": "exe"}
#: Task fields that hold one value: the innermost level that says something wins.
_SINGLE: Final = tuple(
    name for name, keyword in KEYWORDS.items()
    if keyword.merge is Merge.INNERMOST and name not in _BECOME and name != "debugger"
)
_MERGED: Final = frozenset(name for name, keyword in KEYWORDS.items() if keyword.merge is not Merge.OWN)
#: Keywords that belong to one task alone, and the field they fill.
_OWN: Final = {"name": "name", "register": "register", "changed_when": "changed_when", "failed_when": "failed_when",
               "until": "until", "retries": "retries", "delay": "delay", "async": "async_", "poll": "poll"}


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a task, outermost first in every tuple."""

    playbook_dir: str
    file: str = ""
    role: Role | None = None
    single: Mapping[str, Value] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    tags: frozenset[str] = frozenset()
    vars: tuple[Mapping[str, Value], ...] = ()
    include_vars: tuple[Mapping[str, Value], ...] = ()
    environment: tuple[Value, ...] = ()
    notify: tuple[Value, ...] = ()
    module_defaults: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    play_vars: Mapping[str, Value] = field(default_factory=dict)
    """Vars of the play, for names of imported files."""
    handlers: bool = False
    in_block: bool = False
    """Inside of a block of handlers, in which there can't be another."""
    rescued: bool = False
    """Inside a block with `rescue`: a task that fails is expected."""
    chain: tuple[str, ...] = ()
    """Files being imported, outermost first: an import of one of them is a circle."""
    includes: tuple[str, ...] = ()
    """Files of the dynamic includes that led here."""

    def inside(self, own: Mapping[str, Value]) -> Context:
        """The context of what stands inside something that has the keywords `own`."""
        if _MERGED.isdisjoint(own):
            return self
        single = {name: _over(self.single.get(name), own[name]) for name in own
                  if own[name] is not None and _merge(name) is Merge.INNERMOST}
        return replace(
            self,
            single={**self.single, **single} if single else self.single,
            when=self.when + tuple(own.get("when") or ()),
            tags=self.tags | frozenset(own.get("tags") or ()),
            vars=(*self.vars, own["vars"]) if own.get("vars") else self.vars,
            environment=self.environment + tuple(own.get("environment") or ()),
            notify=self.notify + tuple(own.get("notify") or ()),
            module_defaults=_defaults(self.module_defaults, own.get("module_defaults")),
        )

    def task(self, module: str, args: Mapping[str, Value], span: Span, own: Mapping[str, Value], **more: Any) -> Task:
        """A task that stands here and has the keywords `own` itself."""
        here = self.inside(own)
        fields: dict[str, Any] = {name: here.single[name] for name in _SINGLE if name in here.single}
        fields.update((to, own[name]) for name, to in _OWN.items() if own.get(name) is not None)
        become = {to: here.single[name] for name, to in _BECOME.items() if name in here.single}
        return Task(
            module=module, args=args, span=span, role=self.role, file=self.file, vars=here.vars,
            include_vars_=self.include_vars, when=here.when, tags=here.tags, notify=here.notify,
            environment=here.environment, become=Become(**become), **fields, **more,
        )


def _over(outer: Value, own: Value) -> Value:
    return Inheriting(own, outer) if isinstance(own, Template) and outer is not None else own


def _merge(name: str) -> Merge:
    keyword = KEYWORDS.get(name)
    return keyword.merge if keyword else Merge.OWN


def _defaults(
    outer: Mapping[str, Mapping[str, Value]], own: Mapping[str, Mapping[str, Value]] | None
) -> Mapping[str, Mapping[str, Value]]:
    if not own:
        return outer
    merged = dict(outer)
    for module, args in own.items():
        merged[module] = {**merged.get(module, {}), **args}
    return merged
