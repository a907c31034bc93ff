"""Units of systemd: running or not, enabled or not, masked or not."""

from __future__ import annotations

from provisioner.remote import units
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="systemd",
    summary="Start, stop, restart, reload, enable or mask a systemd unit",
    check="predict",
    identity=("name", "scope"),
    args={
        "name": Arg(aliases=("service", "unit"), doc="The unit; `nginx` means `nginx.service`"),
        "state": Arg(
            choices=("started", "stopped", "restarted", "reloaded"),
            doc="`restarted` and `reloaded` always act; the others only when needed",
        ),
        "enabled": Arg(type="bool", doc="Whether it starts at boot"),
        "masked": Arg(type="bool", doc="Whether it can't be started at all"),
        "force": Arg(type="bool", default=False, doc="Overwrite links in the way when enabling or masking"),
        "daemon_reload": Arg(
            type="bool",
            default=False,
            aliases=("daemon-reload",),
            doc="Read unit files again first. A unit whose file changed is read again by itself",
        ),
        "daemon_reexec": Arg(
            type="bool", default=False, aliases=("daemon-reexec",), doc="Restart systemd itself first"
        ),
        "scope": Arg(
            default="system", choices=("system", "user", "global"), doc="Whose units: the system's, or this user's"
        ),
        "no_block": Arg(type="bool", default=False, doc="Don't wait until the unit has started or stopped"),
    },
    required_one_of=(("name", "daemon_reload", "daemon_reexec"),),
    examples="""
- name: The app runs now and after every boot
  systemd:
    name: app
    state: started
    enabled: true
- name: Read unit files again
  systemd:
    daemon_reload: true
- name: Restart it
  systemd_service:
    name: app
    state: restarted
""",
    returns={
        "name": "the unit as given",
        "state": "started or stopped",
        "enabled": "as asked for",
        "status": "the unit's properties as `systemctl show` gives them",
    },
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if a.name is None and (a.state is not None or a.enabled is not None or a.masked is not None):
        raise ctx.fail("`state`, `enabled` and `masked` need `name`")
    return units.manage(
        ctx,
        units.Order(
            name=a.name,
            state=a.state,
            enabled=a.enabled,
            masked=a.masked,
            daemon_reload=a.daemon_reload,
            daemon_reexec=a.daemon_reexec,
            scope=a.scope,
            no_block=a.no_block,
            force=a.force,
        ),
    )
