"""Variables of an app that were set by hand on this host: they win over the playbook's in every release and run."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple

from provisioner.remote.nextjs.layout import RELEASE_JOURNALS, Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx


class Overrides(NamedTuple):
    """plain: may be shown; secret: must not."""

    plain: "Dict[str, str]"
    secret: "Dict[str, str]"

    @property
    def names(self) -> "List[str]":
        return sorted({**self.plain, **self.secret})

    def over(self, values: "Mapping[str, str]") -> "Dict[str, str]":
        """What the app gets where the playbook says `values`."""
        return {**values, **self.plain, **self.secret}

    def shown(self, values: "Mapping[str, str]") -> "Dict[str, str]":
        """Of the app's variables those that may be shown, where the playbook says that `values` may."""
        return {name: value for name, value in {**values, **self.plain}.items() if name not in self.secret}


def read(ctx: Ctx, layout: Layout) -> Overrides:
    data = read_state(ctx, layout.overrides)
    return Overrides(dict(data.get("plain") or {}), dict(data.get("secret") or {}))


def write(ctx: Ctx, layout: Layout, overrides: Overrides) -> None:
    if not overrides.names:
        ctx.remove(layout.overrides)
        return
    for folder in (RELEASE_JOURNALS, layout.private):
        ensure_directory(ctx, folder, "0700")
    write_state(ctx, layout.overrides, {"plain": overrides.plain, "secret": overrides.secret})
