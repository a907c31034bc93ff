"""The text of an app's systemd unit, from the template shipped under `templates/nextjs/`."""

from __future__ import annotations

import posixpath
from importlib import resources
from typing import Any

from provisioner.nextjs.settings import Settings
from provisioner.remote.nextjs.layout import Layout
from provisioner.template.templar import Templar
from provisioner.vars.scope import Scope

JEMALLOC = {
    "x86_64": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "aarch64": "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
}
MALLOC_CONF = "narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0"
"""Few arenas, and memory that is given back after half a second instead of ten: images are optimised in bursts by many
threads, and jemalloc's defaults keep most of what they freed. `env` may say otherwise."""
STOP_TIMEOUT = 40  # seconds: the longest request, plus 5 s for connections that are kept open, plus 5 s


def unit_text(
    settings: Settings, slot: str, instance: int = 1, *, node: str, machine: str, manual_signal_handling: bool,
    sharp: bool, deployment_id: str | None = None,
) -> str:  # fmt: skip
    """The unit of one instance in a slot. `machine` is what `uname -m` says; where jemalloc has no known path there,
    the app runs without."""
    layout = Layout(settings.name)
    place = layout.slot(slot)
    limit = settings.memory_max
    return render("nextjs/app.service.j2", {
        "name": settings.name, "user": settings.user, "slot": place.link,
        "home": posixpath.join(place.link, settings.app or "").rstrip("/"),
        "standalone": settings.mode == "standalone", "shared": layout.shared,
        "env_file": place.env_file,
        "credentials": [f"{name}:{place.credentials}/{name}" for name in sorted(settings.credentials)],
        "node_home": layout.node_home(node), "listen": settings.listen, "port": settings.port_of(slot, instance),
        "stop_timeout": STOP_TIMEOUT,
        "manual_signal_handling": manual_signal_handling, "sharp": sharp,
        "deployment_id": deployment_id,
        "jemalloc": JEMALLOC.get(machine) if settings.jemalloc else None, "malloc_conf": MALLOC_CONF,
        "memory_max": limit, "memory_high": memory_high(settings), "hardening": hardening(),
    })  # fmt: skip


def memory_high(settings: Settings) -> int | None:
    """Bytes from which on the kernel slows the app down and takes back what it can, before it kills at `memory_max`."""
    return settings.memory_max * 9 // 10 if settings.memory_max else None


def hardening() -> str:
    """What every process of an app is kept from, the lines of a unit."""
    return render("nextjs/hardening.j2", {})


def render(name: str, variables: dict[str, Any]) -> str:
    """A shipped template, strict about what is undefined."""
    source = resources.files("provisioner").joinpath("templates", *name.split("/")).read_text(encoding="utf-8")
    templar = Templar()
    text = templar.render_text(source, Scope(templar, [("template", variables)]), name=f"templates/{name}")
    assert isinstance(text, str), "shipped templates are given plain values"
    return text
