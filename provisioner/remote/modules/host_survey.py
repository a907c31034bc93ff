"""Says what the host has, for the watch list of `provision drift`."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from provisioner.remote.sdk import Ctx, ModuleFailed, Result
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.survey.accounts import authorized_keys, sudoers, users
from provisioner.remote.survey.certificates import certificates
from provisioner.remote.survey.conditions import disk, reboot
from provisioner.remote.survey.found import Unreadable
from provisioner.remote.survey.packages import files, packages, security_updates
from provisioner.remote.survey.ports import ports
from provisioner.remote.survey.units import crontabs, failed_units, units

WATCHES: "Mapping[str, Callable[[Ctx, Mapping[str, Any]], Dict[str, Any]]]" = {
    "packages": packages,
    "ports": ports,
    "users": users,
    "sudoers": sudoers,
    "authorized_keys": authorized_keys,
    "units": units,
    "crontabs": crontabs,
    "files": files,
    "failed_units": failed_units,
    "reboot": reboot,
    "security_updates": security_updates,
    "certificates": certificates,
    "disk": disk,
}

SPEC = Spec(
    name="host_survey",
    summary="Say what a host has, for the watch list of `provision drift`",
    args={
        "purpose": Arg(internal=True, doc="what the answer is for"),
        "watches": Arg("dict", required=True, doc="what to look at, each with its settings: %s" % ", ".join(WATCHES)),
    },
    check="run",
    identity=("purpose",),
    notes="The watch list in `drift.yml` puts it behind the last task of every host.",
    examples="""
- name: See who may log in
  host_survey:
    watches:
      users: {}
      authorized_keys: {}
  register: seen
""",
    returns={"survey": "what was found, by watch: `items` with their lines, or `unknown` with the reason"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    return Result(survey={name: _looked(ctx, name, settings or {}) for name, settings in a.watches.items()})


def _looked(ctx: Ctx, name: str, settings: "Mapping[str, Any]") -> "Dict[str, Any]":
    """One watch that can't tell must not keep the others from telling."""
    if name not in WATCHES:
        raise ctx.fail("there is no watch `%s`: use %s" % (name, ", ".join(WATCHES)))
    try:
        return {"settings": settings, **WATCHES[name](ctx, {"in": [], "also": [], **settings})}
    except (Unreadable, ModuleFailed) as error:
        return {"settings": settings, "unknown": str(error)}
    except OSError as error:
        return {"settings": settings, "unknown": "%s: %s" % (error.filename or name, error.strerror)}
