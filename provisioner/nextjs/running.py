"""The last steps for an app with a server: its units, its start, whether it is well, its jobs.

`serving` has those of an app that was exported as files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provisioner.nextjs import hooks, jobs, plan
from provisioner.nextjs.hosts import Host
from provisioner.nextjs.plan import Release
from provisioner.nextjs.recovery import recovery_program
from provisioner.nextjs.unit import unit_text
from provisioner.remote.nextjs.layout import SINGLE, SLOTS

Units = Mapping[str, Sequence[str]]
"""Slot -> the texts of its units, one for each instance."""


def units(host: Host, node: str, release: Release, *, sharp: bool, manual_signal_handling: bool) -> Units:
    """Of every slot the release might be started in."""
    settings, machine = host.settings, host.facts["node"]["machine"]
    return {slot: [unit_text(settings, slot, number + 1, node=node, machine=machine, sharp=sharp,
                             manual_signal_handling=manual_signal_handling, deployment_id=release.deployment_id)
                   for number in range(settings.instances)]
            for slot in (*SLOTS, SINGLE)}  # fmt: skip


def reasons(host: Host, release: Release, found: Units) -> tuple[str, ...]:
    """Why it has to be started, for people; empty when it runs as it should."""
    settings, facts = host.settings, host.facts
    return plan.reasons_to_activate(settings, facts, release, found[plan.running_in(settings, facts)])


def start(host: Host, release: Release, found: Units, why: Sequence[str]) -> str | None:
    """The slot it was started in; None when it runs already. Raises `StepFailed`."""
    settings, facts = host.settings, host.facts
    if not why:
        host.fine(plan.ACTIVATE, release=release.name, pid=facts["service"]["pid"])
        return None
    common = {
        "release": release.name, "build_id": release.build_id, "base_path": release.base_path,
        "env": dict(settings.env), "secrets": dict(settings.secrets), "credentials": dict(settings.credentials),
        "health": plan.health_question(settings), "hooks": hooks.for_a_way_back(settings),
        "why": list(why)}  # fmt: skip
    if not settings.in_slots:
        host.app(plan.ACTIVATE, "nextjs_activate", {**common, "unit": found[SINGLE][0]})
        return SINGLE
    recovery = recovery_program()
    done = host.app(plan.ACTIVATE, "nextjs_switch", {
        **common, "units": {slot: found[slot] for slot in SLOTS}, "drain": settings.drain,
        "watch": settings.watch, "keep": settings.previous, "deployment": release.deployment_id or release.name,
        "recovery": recovery.reference()}, (recovery,))  # fmt: skip
    return str(done.get("slot") or plan.next_slot(facts))


def check_health(host: Host, release: Release, *, started: bool) -> None:
    """A start has asked already; else what the first look found counts, or it is waited for."""
    if started or host.facts["unhealthy"] is None:
        host.fine(plan.HEALTH)
        return
    host.app(plan.HEALTH, "nextjs_health", {
        "slot": plan.running_in(host.settings, host.facts), "health": plan.health_question(host.settings),
        "build_id": release.build_id, "base_path": release.base_path})  # fmt: skip


def set_up_jobs(host: Host) -> None:
    wanted = jobs.units(host.settings, host.name)
    if plan.needs_jobs(host.facts, wanted):
        host.app(plan.JOBS, "nextjs_cron", {"units": wanted})
    elif wanted:
        host.fine(plan.JOBS)
