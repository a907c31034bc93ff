"""Packages, by whichever package manager the host has; apt is what we know."""

from __future__ import annotations

from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

_OTHERS = ("dnf", "yum", "zypper", "apk", "pacman")

SPEC = Spec(
    name="package",
    summary="Install, upgrade or remove packages",
    check="predict",
    identity=("name",),
    open_ended=True,
    args={
        "name": Arg(type="list", elements="str", required=True, aliases=("pkg",), doc="Packages"),
        "state": Arg(
            default="present",
            choices=("present", "installed", "latest", "absent", "removed"),
            doc="What shall be with them",
        ),
        "use": Arg(default="auto", doc="The package manager: `auto` or `apt`"),
    },
    notes="Further arguments go to the module of the package manager.",
    examples="""
- name: What the site needs
  package:
    name: [nginx, curl]
    state: present
""",
    returns={"stdout": "what the package manager said"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    if a.use not in ("auto", "apt", "ansible.builtin.apt"):
        raise ctx.fail("`use: %s` is not supported: only apt is" % a.use)
    if ctx.which("apt-get") is None:
        found = next((manager for manager in _OTHERS if ctx.which(manager) is not None), None)
        raise ctx.fail("this host's package manager is %s; only apt is supported" % (found or "not known"))
    state = {"installed": "present", "removed": "absent"}.get(a.state, a.state)
    result = dict(ctx.call("apt", {**a.extra, "name": a.name, "state": state}))
    predictions = [(entry[0], entry[1], entry[2]) for entry in result.pop("predictions", [])]
    changed, failed = bool(result.pop("changed", False)), bool(result.pop("failed", False))
    if "unknown" in result:
        raise ctx.unknown(result["unknown"])
    return Result(changed=changed, failed=failed, diff=result.pop("diff", None), predictions=predictions, **result)
