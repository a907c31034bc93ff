"""Carries the steps of a release out, as `release` decides them, with a journal that is written before each."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, NamedTuple, Optional

from provisioner.remote.nextjs import nginx, probe, release, service, slots
from provisioner.remote.nextjs.layout import (
    RELEASE_JOURNALS,
    SINGLE,
    SLOTS,
    Layout,
    ensure_directory,
    upstream_text,
    write_state,
)
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.sdk import Ctx

GOING_BACK = 30.0  # seconds the old release gets to answer again, should it have died meanwhile
LAST_REQUESTS = 30.0  # seconds the web server's old workers get to finish beyond `drain`
WATCH_PAUSE = 0.25
ASK_EVERY = 1.0


class Order(NamedTuple):
    """What a new slot is made of; not known any more when a release is resumed."""

    unit: str
    env: bytes


class Ended(NamedTuple):
    """problem: why the new release was taken back, with the last lines of its journal; None when it runs."""

    problem: "Optional[str]"
    stuck: bool = False


class Switch:
    """One release on its way: new from `begin`, or found in the journal of one that was cut off."""

    def __init__(self, ctx: Ctx, layout: Layout, journal: "Dict[str, Any]", order: "Optional[Order]" = None) -> None:
        self._ctx = ctx
        self._layout = layout
        self._journal = journal
        self._order = order
        self._problem: "Optional[str]" = journal.get("problem")
        old, new = slots.occupant(journal.get("live")), slots.occupant(journal["new"])
        assert new is not None, "a release has a slot"
        self._old: "Optional[Occupant]" = old
        self._new: Occupant = new
        self._unit = layout.slot(new.slot).unit

    def run(self, state: "Optional[release.State]" = None) -> Ended:
        """Go on from `state`, None: from the beginning."""
        while True:
            step = release.next_step(state, self._seen(state))
            if step is None:
                return Ended(self._problem if state and state.step in release.BACK else None)
            if step == release.STUCK:
                return Ended(self._problem, stuck=True)
            pointed = step == release.POINT or (state is not None and state.pointed)
            self._write(step, pointed)
            self._ctx.progress(step)
            problem = getattr(self, "_" + step)()
            if problem is not None:
                lines = service.journal_lines(self._ctx, self._unit) if step not in release.BACK else ""
                told = "%s\nthe last lines of its journal:\n%s" % (problem, lines or "(none)") if lines else problem
                self._problem = "%s\n%s" % (self._problem, told) if self._problem else told
            state = release.State(step, release.FAILED if problem else release.DONE, pointed)

    def _seen(self, state: "Optional[release.State]") -> release.Seen:
        proxied = self._ctx.stat(self._layout.upstream) is not None
        was_shown = state is not None and state.outcome == release.CUT_OFF and state.step in (
            release.POINT, release.WATCH)  # fmt: skip
        return release.Seen(self._old is not None, proxied, was_shown and self._is_well())

    def _is_well(self) -> bool:
        if not slots.is_active(self._ctx, self._layout, self._new.slot):
            return False
        return probe.problem(self._health(), self._new.build_id, self._new.base_path) is None

    def _health(self, occupant: "Optional[Occupant]" = None) -> "Dict[str, Any]":
        return {**self._journal["health"], "port": slots.port_of((occupant or self._new).upstream)}

    def _write(self, step: str, pointed: bool) -> None:
        self._journal.update(step=step, pointed=pointed)
        write_state(self._ctx, self._layout.release_journal, self._journal)

    def _names(self, occupant: Occupant) -> bool:
        """Whether the web server's file names the slot of `occupant`."""
        text = self._ctx.read_text(self._layout.upstream) or ""
        return text.partition(";")[0].split()[1:2] == [occupant.upstream]

    # -- forward -----------------------------------------------------------------------------------------------
    def _lay(self) -> "Optional[str]":
        ctx, slot = self._ctx, self._layout.slot(self._new.slot)
        assert self._order is not None, "a release that was cut off here is taken back"
        if ctx.stat(slot.unit_file) is not None:
            ctx.run(["systemctl", "stop", slot.unit], timeout=300)
        if probe.is_taken(self._health()):
            return "something else listens on %s already; name other ports with `ports`" % self._new.upstream
        ctx.write(slot.env_file, self._order.env, mode="0600", owner="root", group="root")
        ctx.write(slot.unit_file, self._order.unit.encode(), mode="0644", owner="root", group="root")
        ctx.symlink("../releases/%s" % self._new.release, slot.link)
        return self._systemctl("daemon-reload")

    def _start(self) -> "Optional[str]":
        self._ctx.run(["systemctl", "reset-failed", self._unit], timeout=30)
        return self._systemctl("restart", self._unit)

    def _check(self) -> "Optional[str]":
        return probe.wait(self._ctx, self._unit, self._health(), self._new.build_id, self._new.base_path)

    def _enable(self) -> "Optional[str]":
        problem = self._systemctl("enable", "--quiet", self._unit)
        self._ctx.run(["sync", "/etc/systemd/system/multi-user.target.wants"], timeout=60)  # systemctl does not
        return problem

    def _point(self) -> "Optional[str]":
        return nginx.point(self._ctx, self._layout, self._new.upstream, self._old.upstream if self._old else None)

    def _watch(self) -> "Optional[str]":
        """Until `watch` and `drain` are over and nobody waits for the old slot. What has just answered and answers no
        more is asked once again: a busy host is no reason to go back."""
        began = asked = time.monotonic()
        least = max(self._journal["watch"], self._journal["drain"])
        failures, pid = 0, service.show(self._ctx, self._unit).get("MainPID")
        while True:
            now = time.monotonic()
            if now >= began + least and (now >= began + least + LAST_REQUESTS or not nginx.is_draining(self._ctx)):
                return None
            found = service.show(self._ctx, self._unit)
            if found.get("ActiveState") != "active" or found.get("MainPID") != pid or pid == "0":
                return "it ended %.0f s after requests were sent to it (%s, exit status %s)" % (
                    now - began, found.get("Result"), found.get("ExecMainStatus"))  # fmt: skip
            if now >= asked + ASK_EVERY:
                asked = now
                problem = probe.problem(self._health(), self._new.build_id, self._new.base_path)
                failures = failures + 1 if problem else 0
                if failures >= 2:
                    return problem
            time.sleep(WATCH_PAUSE)

    def _retire(self) -> "Optional[str]":
        """All others, not just the old one: a journal that was lost may have left one running. nginx may keep the old
        slot as a backup until it is reloaded: nothing answers there, which is what it would tell anyway."""
        if self._ctx.stat(self._layout.upstream) is not None:
            text = upstream_text(self._new.upstream).encode()
            self._ctx.write(self._layout.upstream, text, mode="0644", owner="root", group="root")
        for slot in (*SLOTS, SINGLE):
            if slot != self._new.slot and self._ctx.stat(self._layout.slot(slot).unit_file) is not None:
                problem = self._systemctl("disable", "--now", "--quiet", self._layout.slot(slot).unit)
                if problem is not None:
                    return problem
        if self._ctx.stat(self._layout.unit_file) is not None:
            for path in (self._layout.unit_file, self._layout.env_file, self._layout.env_backup, self._layout.journal):
                self._ctx.remove(path)
            return self._systemctl("daemon-reload")
        return None

    def _settle(self) -> "Optional[str]":
        self._ctx.symlink("releases/%s" % self._new.release, self._layout.current)
        self._steady(self._new)
        return None

    # -- back --------------------------------------------------------------------------------------------------
    def _reopen(self) -> "Optional[str]":
        old = self._old
        assert old is not None, "without an old release nothing is reopened"
        if slots.is_active(self._ctx, self._layout, old.slot):
            return None
        unit = self._layout.slot(old.slot).unit
        self._ctx.run(["systemctl", "reset-failed", unit], timeout=30)
        problem = self._systemctl("start", unit)
        health = {**self._health(old), "timeout": GOING_BACK}
        problem = problem or probe.wait(self._ctx, unit, health, old.build_id, old.base_path)
        return problem and "WENT BACK to release %s, but that is not healthy either: %s" % (old.release, problem)

    def _return(self) -> "Optional[str]":
        assert self._old is not None, "without an old release there is nothing to return to"
        return nginx.point(self._ctx, self._layout, self._old.upstream)

    def _drain(self) -> "Optional[str]":
        began = time.monotonic()
        while time.monotonic() < began + self._journal["drain"] + LAST_REQUESTS:
            if time.monotonic() >= began + self._journal["drain"] and not nginx.is_draining(self._ctx):
                break
            time.sleep(WATCH_PAUSE)
        return None

    def _remove(self) -> "Optional[str]":
        ctx, slot = self._ctx, self._layout.slot(self._new.slot)
        if self._old is not None and self._names(self._new):
            return "the web server still names slot %s, so it was not stopped" % self._new.slot
        if ctx.stat(slot.unit_file) is not None:
            ctx.run(["systemctl", "disable", "--now", "--quiet", slot.unit], timeout=300)
        for path in (slot.unit_file, slot.env_file, slot.link):
            ctx.remove(path)
        problem = self._systemctl("daemon-reload")
        ctx.run(["systemctl", "reset-failed", slot.unit], timeout=30)
        return problem

    def _restore(self) -> "Optional[str]":
        if self._old is None or self._old.slot == SINGLE:
            self._ctx.remove(self._layout.release_journal)
        else:
            self._steady(self._old)
        return None

    # -- both --------------------------------------------------------------------------------------------------
    def _steady(self, occupant: Occupant) -> None:
        steady = {"step": slots.STEADY, "live": occupant.as_data()}
        write_state(self._ctx, self._layout.release_journal, steady)

    def _systemctl(self, *words: str) -> "Optional[str]":
        done = self._ctx.run(["systemctl", *words], timeout=300)
        if done.rc == 0:
            return None
        return "`systemctl %s` failed: %s" % (" ".join(words), done.stderr.strip() or "exit code %d" % done.rc)


def begin(ctx: Ctx, layout: Layout, journal: "Mapping[str, Any]", order: Order) -> Ended:
    """A new release. `journal`: live, new, health, drain, watch."""
    ensure_directory(ctx, RELEASE_JOURNALS, "0700")
    return Switch(ctx, layout, dict(journal), order).run()


def resume(ctx: Ctx, layout: Layout, journal: "Mapping[str, Any]") -> Ended:
    """Finish a release that was cut off, or take it back."""
    data = {name: value for name, value in journal.items() if name not in ("schema", "min_reader")}
    return Switch(ctx, layout, data).run(release.State(data["step"], release.CUT_OFF, bool(data.get("pointed"))))
