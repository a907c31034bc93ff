"""Runs the user's own commands at their points of a deploy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.nextjs import plan
from provisioner.nextjs.hosts import Host
from provisioner.nextjs.plan import Release
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.settings.hooks import When


def run_at_build(host: Host, when: When, node: str) -> None:
    """In the build directory, with what the build itself gets. Raises `StepFailed`."""
    settings = host.settings
    _run(host, when, {"node": node, "env": {**settings.public_env, **settings.build_env}})


def run_in_release(host: Host, when: When, node: str, release: Release) -> None:
    """In the release's directory, with the variables of the running app. Raises `StepFailed`."""
    settings = host.settings
    _run(host, when, {"node": node, "release": release.name, "env": dict(settings.env),
                      "secrets": dict(settings.secrets), "credentials": dict(settings.credentials)})  # fmt: skip


def for_a_way_back(settings: Settings) -> dict[str, Any]:
    """What the hosts keep, for there is no playbook when somebody goes back; empty where nothing is to run then."""
    points: tuple[When, ...] = ("before_rollback", "after_rollback")
    commands: dict[str, Any] = {when: list(settings.hooks.at(when)) for when in points if settings.hooks.at(when)}
    if not commands:
        return {}
    return {**commands, "timeout": settings.hooks.timeout, "memory_max": settings.build_memory_max}


def _run(host: Host, when: When, args: Mapping[str, Any]) -> None:
    commands = host.settings.hooks.at(when)
    if commands:
        host.app(plan.hook(when), "nextjs_hook", {
            **args, "user": host.user, "app": host.settings.app, "when": when, "commands": list(commands),
            "timeout": host.settings.hooks.timeout, "memory_max": host.settings.build_memory_max})  # fmt: skip
