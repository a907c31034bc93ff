"""Carries the steps of a release out, as `release` decides them, with a journal that is written before each."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from provisioner.remote.nextjs import (
    connections,
    credentials,
    exported,
    lanes,
    links,
    probe,
    records,
    release,
    service,
    slots,
)
from provisioner.remote.nextjs.lanes import Lane
from provisioner.remote.nextjs.layout import (
    RELEASE_JOURNALS,
    SINGLE,
    SLOTS,
    Layout,
    ensure_directory,
    unit_file,
    write_state,
)
from provisioner.remote.nextjs.slots import Occupant
from provisioner.remote.nextjs.vigil import PAUSE, Vigil, first_problem
from provisioner.remote.sdk import Ctx

GOING_BACK = 30.0  # seconds the old release gets to answer again, should it have died meanwhile
LAST_REQUESTS = 30.0  # seconds that requests to a slot get beyond `drain` before it is stopped


class Order(NamedTuple):
    """What a new slot is made of; not known any more when a release is resumed. units: name -> text; none
    when it runs already."""

    units: "Mapping[str, str]"
    env: bytes
    credentials: "Mapping[str, str]"


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
        self._problem: "Optional[str]" = None
        self._watching: "Optional[Vigil]" = None
        old, new = slots.occupant(journal.get("live")), slots.occupant(journal["new"])
        assert new is not None, "a release has a slot"
        self._old: "Optional[Occupant]" = old
        self._new: Occupant = new
        self._units = [layout.unit_of(new.slot, number + 1) for number in range(len(new.upstreams))]

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
                lines = self._last_words() if step not in release.BACK else ""
                told = "%s\nthe last lines of its journal:\n%s" % (problem, lines or "(none)") if lines else problem
                self._problem = "%s\n%s" % (self._problem, told) if self._problem else told
            state = release.State(step, release.FAILED if problem else release.DONE, pointed)

    def _seen(self, state: "Optional[release.State]") -> release.Seen:
        was_shown = state is not None and state.outcome == release.CUT_OFF and state.step in (
            release.POINT, release.WATCH)  # fmt: skip
        return release.Seen(self._old is not None, new_is_warm=self._is_warm(),
                            new_is_well=was_shown and self._is_well())  # fmt: skip

    def _is_warm(self) -> bool:
        """Whether the new slot ran before."""
        return self._order is not None and not self._order.units

    def _is_well(self) -> bool:
        return slots.is_active(self._ctx, self._layout, self._new.slot) and first_problem(
            self._questions().values(), self._new.build_id, self._new.base_path) is None  # fmt: skip

    def _health(self, occupant: Occupant) -> "List[Dict[str, Any]]":
        """The question for each instance."""
        return [{**self._journal["health"], "port": slots.port_of(upstream)} for upstream in occupant.upstreams]

    def _questions(self) -> "Dict[str, Dict[str, Any]]":
        """Unit -> question, of the new release."""
        return dict(zip(self._units, self._health(self._new)))

    def _vigil(self, since: str) -> Vigil:
        return Vigil(self._ctx, self._questions(), self._new.build_id, self._new.base_path, since)

    def _write(self, step: str, pointed: bool) -> None:
        self._journal.update(step=step, pointed=pointed)
        write_state(self._ctx, self._layout.release_journal, self._journal)

    def _last_words(self) -> str:
        return "\n".join(filter(None, (service.journal_lines(self._ctx, unit) for unit in self._units)))

    # -- forward -----------------------------------------------------------------------------------------------
    def _lay(self) -> "Optional[str]":
        ctx, slot = self._ctx, self._layout.slot(self._new.slot)
        assert self._order is not None, "a release that was cut off here is taken back"
        self._empty(self._new.slot)
        for upstream, health in zip(self._new.upstreams, self._health(self._new)):
            if probe.is_taken(health):
                return "something else listens on %s already; set another `port`" % upstream
        ctx.write(slot.env_file, self._order.env, mode="0600", owner="root", group="root")
        credentials.write(ctx, slot.credentials, self._order.credentials)
        for name, text in self._order.units.items():
            ctx.write(unit_file(name), text.encode(), mode="0644", owner="root", group="root")
        ctx.symlink("../releases/%s" % self._new.release, slot.link)
        return self._systemctl("daemon-reload")

    def _start(self) -> "Optional[str]":
        self._ctx.run(["systemctl", "reset-failed", *self._units], timeout=30)
        return self._systemctl("restart", *self._units)

    def _check(self) -> "Optional[str]":
        """They start side by side, so the first one's time is the others' too. A slot that ran all the time has
        settled."""
        for unit, health in self._questions().items():
            problem = probe.wait(self._ctx, unit, health, self._new.build_id, self._new.base_path)
            if problem is not None:
                return problem
        if self._is_warm():
            return None
        for health in self._questions().values():
            problem = probe.warm(health)
            if problem is not None:
                return problem
        settle = self._journal["health"].get("settle") or 0.0
        if not settle:
            return None
        self._ctx.progress("settling for %g s" % settle)
        return self._vigil("it was healthy, before it had any request").keep(lambda seconds: seconds >= settle)

    def _enable(self) -> "Optional[str]":
        problem = self._systemctl("enable", "--quiet", *self._units)
        self._ctx.run(["sync", "/etc/systemd/system/multi-user.target.wants"], timeout=60)  # systemctl does not
        return problem

    def _point(self) -> "Optional[str]":
        """What the new slot lets fall goes to the old one until that is retired. The watch begins before the first
        request: a process that ends with it, and is started again at once, must not be taken for the first one."""
        if self._old is None:
            lanes.open_lane(self._ctx, self._layout, Lane(self._new.slot))
            return None
        self._watching = self._vigil("requests were sent to it")
        lane = _resting(self._new, self._old, self._journal["keep"])
        lanes.open_lane(self._ctx, self._layout, lane._replace(spare=lanes.of_slot(self._old.slot)))
        return None

    def _watch(self) -> "Optional[str]":
        """Until `watch` and `drain` are over and nobody waits for the old slot."""
        old = self._old
        assert old is not None, "without an old release there is nothing to go back to"
        assert self._watching is not None, "`point` comes first"
        stops = self._journal["keep"] == "stop"
        least = max(self._journal["watch"], self._journal["drain"] if stops else 0.0)

        def is_over(seconds: float) -> bool:
            late = seconds >= least + LAST_REQUESTS
            return seconds >= least and (late or not stops or not self._is_used(old))

        return self._watching.keep(is_over)

    def _retire(self) -> "Optional[str]":
        """All others, not just the old one: a journal that was lost may have left one running."""
        ctx, keeps = self._ctx, self._keeps()
        lanes.open_lane(ctx, self._layout, _resting(self._new, self._old, self._journal["keep"]))
        for slot in (*SLOTS, SINGLE):
            found = slots.units(ctx, self._layout, slot)
            if found and slot != self._new.slot and not (keeps and self._old and slot == self._old.slot):
                problem = self._systemctl("disable", "--now", "--quiet", *found)
                if problem is not None:
                    return problem
        if ctx.stat(self._layout.unit_file) is not None:
            for path in (self._layout.unit_file, self._layout.env_file, self._layout.env_backup, self._layout.journal,
                         self._layout.slot(SINGLE).credentials, self._layout.credentials_backup):  # fmt: skip
                ctx.remove(path, recursive=True)
            return self._systemctl("daemon-reload")
        return None

    def _settle(self) -> "Optional[str]":
        links.follow(self._ctx, self._layout, self._new.slot, str(self._new.release))
        records.settle(self._ctx, self._layout, self._new.release)
        exported.forget(self._ctx, self._layout)
        previous = self._old.as_data() if self._old and self._old.release else None
        self._steady(self._new, previous, self._journal["keep"] if self._keeps() else "stop")
        return None

    # -- back --------------------------------------------------------------------------------------------------
    def _reopen(self) -> "Optional[str]":
        old = self._old
        assert old is not None, "without an old release nothing is reopened"
        if slots.is_active(self._ctx, self._layout, old.slot):
            return None
        units = slots.units(self._ctx, self._layout, old.slot)
        self._ctx.run(["systemctl", "reset-failed", *units], timeout=30)
        problem = self._systemctl("start", *units)
        for unit, health in zip(units, self._health(old)):
            question = {**health, "timeout": GOING_BACK}
            problem = problem or probe.wait(self._ctx, unit, question, old.build_id, old.base_path)
        return problem and "WENT BACK to release %s, but that is not healthy either: %s" % (old.release, problem)

    def _return(self) -> "Optional[str]":
        assert self._old is not None, "without an old release there is nothing to return to"
        before = slots.occupant(self._journal.get("previous"))
        if before is not None and before.slot == self._new.slot:
            before = None
        lanes.open_lane(self._ctx, self._layout, _resting(self._old, before, self._journal.get("kept", "stop")))
        return None

    def _drain(self) -> "Optional[str]":
        began = time.monotonic()
        while time.monotonic() < began + self._journal["drain"] + LAST_REQUESTS:
            if time.monotonic() >= began + self._journal["drain"] and not self._is_used(self._new):
                break
            time.sleep(PAUSE)
        return None

    def _remove(self) -> "Optional[str]":
        lane = lanes.opened(self._ctx, self._layout)
        if self._old is not None and lane is not None and lane.to == self._new.slot:
            return "requests still go to slot %s, so it was not stopped" % self._new.slot
        self._empty(self._new.slot)
        slot = self._layout.slot(self._new.slot)
        for path in (slot.env_file, slot.link, slot.credentials):
            self._ctx.remove(path, recursive=True)
        return self._systemctl("daemon-reload")

    def _restore(self) -> "Optional[str]":
        records.drop(self._ctx, self._layout, self._new.release)
        if self._old is None or self._old.slot == SINGLE:
            self._ctx.remove(self._layout.release_journal)
            return None
        previous, kept = self._journal.get("previous"), self._journal.get("kept", "stop")
        if previous and previous["slot"] == self._new.slot:
            kept = "stop"
        self._steady(self._old, previous, kept)
        return None

    # -- both --------------------------------------------------------------------------------------------------
    def _is_used(self, occupant: Occupant) -> bool:
        return connections.count(self._ctx, map(slots.port_of, occupant.upstreams)) > 0

    def _keeps(self) -> bool:
        """Whether the old slot goes on running. The single service never does: its port is that of a slot."""
        return self._journal["keep"] != "stop" and self._old is not None and self._old.slot != SINGLE

    def _steady(self, live: Occupant, previous: "Optional[Mapping[str, Any]]", kept: str) -> None:
        """kept: how the slot of the previous release goes on."""
        steady = {"step": slots.STEADY, "live": live.as_data(), "previous": previous, "kept": kept}
        write_state(self._ctx, self._layout.release_journal, steady)

    def _empty(self, slot: str) -> None:
        """Stop the units of a slot and forget them."""
        found = slots.units(self._ctx, self._layout, slot)
        if found:
            self._ctx.run(["systemctl", "disable", "--now", "--quiet", *found], timeout=300)
            self._ctx.run(["systemctl", "reset-failed", *found], timeout=30)
        for unit in found:
            self._ctx.remove(unit_file(unit))

    def _systemctl(self, *words: str) -> "Optional[str]":
        done = self._ctx.run(["systemctl", *words], timeout=300)
        if done.rc == 0:
            return None
        return "`systemctl %s` failed: %s" % (" ".join(words), done.stderr.strip() or "exit code %d" % done.rc)


def _resting(live: Occupant, previous: "Optional[Occupant]", kept: str) -> Lane:
    """The lane while nothing happens. Two releases of one build have the same pages: nothing is to keep apart."""
    lane = Lane(lanes.of_slot(live.slot))
    if kept != "route" or previous is None or previous.slot == SINGLE:
        return lane
    if not previous.deployment or previous.deployment == live.deployment:
        return lane
    return lane._replace(pin=(previous.slot, previous.deployment))


def begin(ctx: Ctx, layout: Layout, journal: "Mapping[str, Any]", order: Order) -> Ended:
    """A new release. `journal`: live, previous, kept (as they are), new, keep (`previous` of the settings), health,
    drain, watch."""
    ensure_directory(ctx, RELEASE_JOURNALS, "0700")
    return Switch(ctx, layout, dict(journal), order).run()


def resume(ctx: Ctx, layout: Layout, journal: "Mapping[str, Any]") -> Ended:
    """Finish a release that was cut off, or take it back."""
    data = {name: value for name, value in journal.items() if name not in ("schema", "min_reader")}
    return Switch(ctx, layout, data).run(release.State(data["step"], release.CUT_OFF, bool(data.get("pointed"))))
