"""Files that are changed together and put back as they were when what reads them refuses them."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from provisioner.remote.sdk import Ctx, Stat

Before = Tuple[Optional[Stat], bytes]


class Takeback:
    """Remembers what it replaces, in memory only: a private key is among it."""

    def __init__(self, ctx: Ctx) -> None:
        self._ctx = ctx
        self._before: "Dict[str, Before]" = {}

    def write(self, path: str, data: bytes, *, mode: str = "0644", group: str = "root") -> None:
        found = self._ctx.stat(path)
        wanted = ("file", mode, "root", group)
        same = found and (found.kind, found.mode, found.owner, found.group) == wanted
        if same and self._ctx.read(path) == data:
            return
        self._remember(path)
        self._ctx.write(path, data, mode=mode, owner="root", group=group)

    def remove(self, path: str) -> None:
        if self._ctx.stat(path) is not None:
            self._remember(path)
            self._ctx.remove(path)

    def undo(self) -> None:
        for path, (stat, data) in self._before.items():
            if stat is None:
                self._ctx.remove(path)
            elif stat.target is not None:
                self._ctx.symlink(stat.target, path)
            else:
                self._ctx.write(path, data, mode=stat.mode, owner=stat.owner, group=stat.group)

    def _remember(self, path: str) -> None:
        if path not in self._before:
            stat = self._ctx.stat(path)
            is_file = stat is not None and stat.kind == "file"
            self._before[path] = (stat, (self._ctx.read(path) or b"") if is_file else b"")
