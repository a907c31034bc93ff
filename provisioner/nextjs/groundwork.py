"""The first steps on a host: what an app stands on before there is anything of it."""

from __future__ import annotations

from provisioner.nextjs import plan
from provisioner.nextjs.hosts import Host, StepFailed


def lay(host: Host) -> None:
    """Packages, the app's user, its directories, swap. Raises `StepFailed`."""
    settings, facts = host.settings, host.facts
    missing = plan.missing_packages(settings, facts)
    if missing:
        host.do(plan.PACKAGES, "apt", {"name": list(missing), "update_cache": True, "cache_valid_time": 3600})
    else:
        host.fine(plan.PACKAGES)
    if facts["user"]:
        host.fine(plan.USER)
    else:
        make_user(host, plan.USER, f"/srv/{settings.name}")
    if plan.needs_tree(settings, facts):
        host.app(plan.TREE, "nextjs_tree", {"user": settings.user})
    else:
        host.fine(plan.TREE)
    if plan.needs_swap(settings, facts):
        host.do(plan.SWAP, "nextjs_swap", {"size": settings.swap})
    elif settings.swap:
        host.fine(plan.SWAP)


def make_user(host: Host, step: str, home: str) -> None:
    """The account that the app runs as, and is built as. Raises `StepFailed`."""
    name = host.settings.user
    group = host.call.call("group", {"name": name, "system": True})
    if group.get("failed"):
        raise StepFailed(step, group)
    host.do(step, "user", {
        "name": name, "group": name, "system": True, "shell": "/usr/sbin/nologin", "create_home": False,
        "home": home, "comment": f"Next.js app {host.settings.name}"})  # fmt: skip
