"""`--tags` and `--skip-tags`: which tasks of a play are in the run at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from provisioner.lang.model import Block, Include, Node, Task


@dataclass(frozen=True, slots=True)
class TagSelection:
    """Ansible's rules: `always` runs unless it is skipped (`--skip-tags all` does not), `never` only when asked for;
    skipping wins."""

    wanted: frozenset[str] = frozenset(["all"])
    skipped: frozenset[str] = frozenset()

    def selects(self, tags: frozenset[str]) -> bool:
        return self._runs(tags) and not self._skips(tags)

    def _runs(self, tags: frozenset[str]) -> bool:
        if "always" in tags or tags & self.wanted:
            return True
        if "all" in self.wanted:
            return "never" not in tags
        if "tagged" in self.wanted:
            return bool(tags) and "never" not in tags
        return "untagged" in self.wanted and not tags

    def _skips(self, tags: frozenset[str]) -> bool:
        if "all" in self.skipped:
            return "always" not in tags or "always" in self.skipped
        return bool(tags & self.skipped) or ("tagged" if tags else "untagged") in self.skipped

    def select(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """The nodes that are in the run; blocks without any are left out."""
        return tuple(node for candidate in nodes if (node := self._selected(candidate)) is not None)

    def _selected(self, node: Node) -> Node | None:
        match node:
            case Task():
                return node if self.selects(node.tags) else None
            case Include():
                return node if self.selects(node.task.tags) else None
            case Block():
                kept = replace(node, body=self.select(node.body), rescue=self.select(node.rescue),
                               always=self.select(node.always))
                return kept if kept.body or kept.always else None
