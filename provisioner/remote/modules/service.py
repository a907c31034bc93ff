"""Services of the host, whatever runs them; systemd is what we know."""

from __future__ import annotations

from provisioner.remote import units
from provisioner.remote.modules import systemd
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

_OF_SYSTEMD = ("masked", "force", "daemon_reload", "daemon_reexec", "scope", "no_block")

SPEC = Spec(
    name="service",
    summary="Start, stop, restart, reload or enable a service",
    check="predict",
    identity=("name",),
    args={
        "name": Arg(aliases=("service", "unit"), doc="The service"),
        "state": Arg(
            choices=("started", "stopped", "restarted", "reloaded"),
            doc="`restarted` and `reloaded` always act; the others only when needed",
        ),
        "enabled": Arg(type="bool", doc="Whether it starts at boot"),
        "use": Arg(default="auto", doc="`auto` or `systemd`"),
        "sleep": Arg(type="int", doc="Accepted for compatibility: systemd waits by itself"),
        "pattern": Arg(doc="Accepted for compatibility: systemd knows its processes"),
        "runlevel": Arg(default="default", doc="Accepted for compatibility"),
        "arguments": Arg(default="", aliases=("args",), doc="Accepted for compatibility: systemd passes none"),
        **{name: systemd.SPEC.args[name] for name in _OF_SYSTEMD},
    },
    required_one_of=systemd.SPEC.required_one_of,
    notes="`module_defaults` of `systemd` hold for this module too.",
    examples="""
- name: nginx runs now and after every boot
  service:
    name: nginx
    state: started
    enabled: true
""",
    returns={
        "name": "the service",
        "state": "started or stopped",
        "enabled": "as asked for",
        "status": "the unit's properties as `systemctl show` gives them",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if a.use not in ("auto", "systemd", "systemd_service", "service") or not units.has_systemd(ctx):
        raise ctx.fail(
            "this host is not run by systemd, the only service manager that `service` can drive"
            if a.use == "auto"
            else "`use: %s` is not supported: only systemd is" % a.use
        )
    return systemd.run(ctx, a)
