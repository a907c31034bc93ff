"""Random plays, and a naive interpreter that says what they must do.

The interpreter is written from the language's rules alone: it walks the tree of each host as a generator, lets the
hosts that are furthest behind do one task at a time in inventory order, and knows nothing of segments, cursors
or lookahead. Tasks are made of small expressions that exist twice: as Jinja text for the engine and as a function
for the interpreter.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.diag import Span
from provisioner.lang.model import Become, Block, HandlerSection, Include, Loop, Node, Play, Playbook, Task
from provisioner.values import Condition, Template

REGISTERS = ("r0", "r1", "r2", "r3")
SPAN = Span("random.yml", 1)
HOSTS = ("h1", "h2", "h3", "h4")
BETWEEN_ITEMS = "between items"
"""What only a task itself sees of its own variables, from one item to the next."""


@dataclass(frozen=True, slots=True)
class Read:
    """`register.value` of a host (None: the task's own), 0 where it is not set."""

    register: str
    host: str | None = None

    def text(self) -> str:
        if self.host is None:
            return f"(({self.register} | default({{}})).value | default(0))"
        return f"((hostvars['{self.host}'].{self.register} | default({{}})).value | default(0))"

    def value(self, host: str, variables: Mapping[str, Mapping[str, Any]]) -> int:
        own = variables.get(BETWEEN_ITEMS, variables[host])
        found = (own if self.host is None else variables[self.host]).get(self.register)
        value = found.get("value", 0) if isinstance(found, dict) else 0
        return value if isinstance(value, int) else 0


@dataclass(frozen=True, slots=True)
class Sketch:
    """One random task, as the interpreter sees it; `task()` is what the engine sees."""

    number: int
    touch: int
    can_fail: bool
    when: Read | None = None
    only_on: str | None = None
    reads: Read | None = None
    register: str | None = None
    sets: str | None = None
    """A `set_fact` of this variable instead of work on the host."""
    failed_when: bool = False
    breaks: bool = False
    """Its `changed_when` cannot be evaluated: it fails, which only the controller can tell."""
    ignore: bool = False
    items: int = 0
    delegate: str | None = None
    run_once: bool = False
    user: str | None = None
    notify: int | None = None
    fatal: bool = False
    retries: int | None = None
    include: str | None = None
    flush: bool = False
    fails: bool = False
    """A `fail` task: known to fail without asking a host."""
    peer: str | None = None
    """Work that meets what tasks for a single host published on another machine."""

    def task(self) -> Task:
        when = []
        if self.when is not None:
            when.append(Condition(f"{self.when.text()} % 2 == 0"))
        if self.only_on is not None:
            when.append(Condition(f"inventory_hostname == '{self.only_on}'"))
        common: dict[str, Any] = {"span": SPAN, "name": f"t{self.number}", "when": tuple(when)}
        if self.flush:
            return Task("meta", {"_raw_params": "flush_handlers"}, **{**common, "when": ()})
        if self.fails:
            return Task("fail", {"msg": "as told"}, ignore_errors=True if self.ignore else None, **common)
        if self.include is not None:
            return Task("include_tasks", {"_raw_params": self.include}, loop=self._loop(), **common)
        if self.sets is not None:
            value = Template("{{ {'value': " + (self.reads.text() if self.reads else str(self.number)) + "} }}")
            return Task("set_fact", {self.sets: value}, **common)
        args: dict[str, Any] = {"number": self.number, "touch": self.touch, "can_fail": self.can_fail}
        if self.only_on is not None:
            args["publish"] = True
        if self.peer is not None:
            args["peer"] = self.peer
        if self.reads is not None:
            args["extra"] = Template("{{ " + self.reads.text() + " }}")
        if self.items:
            args["item"] = Template("{{ item }}")
        needs_own = self.failed_when or self.breaks or self.retries is not None
        register = self.register or ("own" if needs_own else None)
        return Task(
            "act", args, register=register, loop=self._loop(),
            failed_when=(Condition(f"{register}.value % 5 == 0"),) if self.failed_when else None,
            changed_when=(Condition(f"{register}.no.such"),) if self.breaks else None,
            until=(Condition(f"{register}.value % 3 != 0"),) if self.retries is not None else None,
            retries=self.retries, delay=0, ignore_errors=True if self.ignore else None, delegate_to=self.delegate,
            run_once=True if self.run_once else None, become=Become(bool(self.user), None, self.user),
            notify=(f"handler {self.notify}",) if self.notify is not None else (),
            any_errors_fatal=True if self.fatal else None, **common)

    def _loop(self) -> Loop | None:
        return Loop("loop", list(range(self.items))) if self.items else None


@dataclass(frozen=True, slots=True)
class Group:
    """A block."""

    body: tuple[Sketch | Group, ...]
    rescue: tuple[Sketch | Group, ...] = ()
    always: tuple[Sketch | Group, ...] = ()


Part = Sketch | Group


@dataclass(frozen=True, slots=True)
class Program:
    hosts: tuple[str, ...]
    parts: tuple[Part, ...]
    handlers: tuple[Sketch, ...]
    files: Mapping[str, tuple[Part, ...]]

    def playbook(self) -> Playbook:
        play = Play("all", SPAN, name="random", file="random.yml", gather_facts=False, tasks=nodes(self.parts),
                    handlers=(HandlerSection(None, tuple(
                        replace(sketch.task(), name=f"handler {number}")
                        for number, sketch in enumerate(self.handlers))),))
        return Playbook((play,), "random.yml")


def nodes(parts: tuple[Part, ...]) -> tuple[Node, ...]:
    made: list[Node] = []
    for part in parts:
        if isinstance(part, Group):
            made.append(Block(nodes(part.body), nodes(part.rescue), nodes(part.always)))
        elif part.include is not None:
            made.append(Include("tasks", part.task()))
        else:
            made.append(part.task())
    return tuple(made)


# -- random programs -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Maker:
    rng: random.Random
    hosts: tuple[str, ...]
    handlers: int
    files: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    count: int = 0

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def read(self) -> Read:
        other = self.rng.choice(self.hosts) if self.chance(0.25) else None
        return Read(self.rng.choice(REGISTERS), other)

    def maybe_read(self, probability: float) -> Read | None:
        return self.read() if self.chance(probability) else None

    def sketch(self, *, depth: int, handler: bool = False) -> Sketch:
        rng, chance = self.rng, self.chance
        self.count += 1
        base = Sketch(self.count, rng.randrange(3), chance(0.3), when=self.maybe_read(0.15))
        if chance(0.1):
            return replace(base, sets=rng.choice(REGISTERS), reads=self.maybe_read(0.5), can_fail=False)
        if not handler and chance(0.04):
            return replace(base, flush=True, when=None)
        if not handler and chance(0.04):
            return replace(base, fails=True, ignore=chance(0.3))
        if not handler and depth < 2 and chance(0.08):
            name = f"f{len(self.files)}"
            self.files[name] = ()
            self.files[name] = self.parts(depth + 2)
            return replace(base, include=name, items=rng.choice((0, 0, 2)))
        register = rng.choice(REGISTERS) if chance(0.3) else None
        sketch = replace(
            base, reads=self.maybe_read(0.2), register=register, failed_when=chance(0.06), ignore=chance(0.1),
            items=rng.choice((2, 3)) if chance(0.1) else 0, user=rng.choice(("root", "web")) if chance(0.15) else None,
            only_on=rng.choice(self.hosts) if chance(0.07) else None,
            notify=rng.randrange(self.handlers) if self.handlers and chance(0.5 if handler else 0.2) else None)
        if sketch.only_on is None and chance(0.15):
            sketch = replace(sketch, peer=rng.choice(self.hosts))
        if handler:
            return replace(sketch, only_on=None, peer=None)
        if chance(0.06):
            sketch = replace(sketch, delegate=rng.choice(self.hosts))
        elif chance(0.05):
            sketch = replace(sketch, run_once=True, only_on=None)
        elif chance(0.04):
            sketch = replace(sketch, fatal=True)
        elif chance(0.02):
            sketch = replace(sketch, breaks=True)
        elif chance(0.04) and not sketch.failed_when:
            sketch = replace(sketch, retries=rng.randrange(3), items=0, ignore=False)
        return sketch

    def parts(self, depth: int) -> tuple[Part, ...]:
        made: list[Part] = []
        for _ in range(self.rng.randint(1, 5 if depth == 0 else 3)):
            if depth < 3 and self.chance(0.2):
                made.append(Group(self.parts(depth + 1), self.parts(depth + 1) if self.chance(0.6) else (),
                                  self.parts(depth + 1) if self.chance(0.5) else ()))
            else:
                made.append(self.sketch(depth=depth))
        return tuple(made)


def random_program(seed: int) -> Program:
    rng = random.Random(seed)
    hosts = HOSTS[:rng.choice((1, 1, 2, 3, 4))]
    maker = Maker(rng, hosts, rng.randrange(4))
    parts = maker.parts(0)
    handlers = tuple(maker.sketch(depth=9, handler=True) for _ in range(maker.handlers))
    return Program(hosts, parts, handlers, maker.files)


# -- what work on a machine does -----------------------------------------------------------------------------


@dataclass(slots=True)
class Machines:
    """The state of all machines; what a task gives depends on everything done there before."""

    touched: dict[tuple[str, int], int] = field(default_factory=dict)
    history: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    """What tasks for a single host left where every machine can see it."""

    def act(self, machine: str, args: Mapping[str, Any], user: str | None) -> dict[str, Any]:
        key = machine, int(args["touch"])
        value = (self.touched.get(key, 0) * 3 + int(args["number"]) + int(args.get("extra", 0))
                 + int(args.get("item", 0)) + self.published.get(str(args.get("peer")), 0)) % 1009
        self.touched[key] = value
        if args.get("publish"):
            self.published[machine] = value
        self.history.setdefault(machine, []).append((args["number"], args.get("extra", 0), args.get("item"), user))
        return {"changed": value % 3 == 0, "failed": bool(args["can_fail"]) and value % 7 == 0, "value": value}


# -- the naive interpreter -----------------------------------------------------------------------------------

Place = tuple[int, ...]
Seen = Mapping[str, Mapping[str, Any]]
Walk = Generator[tuple[Place, Sketch], bool, bool]


@dataclass(slots=True)
class Naive:
    program: Program
    machines: Machines = field(default_factory=Machines)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    notified: dict[str, set[int]] = field(default_factory=dict)
    told: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    orders: dict[Place, dict[tuple[str, int | None], int]] = field(default_factory=dict)
    entering: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def run(self) -> None:
        hosts = self.program.hosts
        self.variables = {host: {} for host in hosts}
        self.notified = {host: set() for host in hosts}
        self.told = {host: [] for host in hosts}
        walks = {host: self._play(host) for host in hosts}
        at: dict[str, tuple[Place, Sketch]] = {}
        for host in hosts:
            self._move(host, walks, at, None)
        while at:
            place = min(at[host][0] for host in at)
            self._one_task(place, [host for host in hosts if host in at and at[host][0] == place], walks, at)

    def _move(self, host: str, walks: dict[str, Walk], at: dict[str, tuple[Place, Sketch]], ok: bool | None) -> None:
        try:
            at[host] = next(walks[host]) if ok is None else walks[host].send(ok)
        except StopIteration as end:
            at.pop(host, None)
            if not end.value:
                self.failed.add(host)

    def _play(self, host: str) -> Walk:
        if not (yield from self._parts(host, self.program.parts, (0,))):
            return False
        # Behind the tasks, and again behind the (empty) post_tasks: a handler may notify an earlier one.
        return (yield from self._handlers(host, (1,))) and (yield from self._handlers(host, (2,)))

    def _parts(self, host: str, parts: tuple[Part, ...], place: Place) -> Walk:
        for number, part in enumerate(parts):
            here = (*place, number)
            if isinstance(part, Group):
                ok = yield from self._block(host, part, here)
            else:
                ok = yield here, part
                if ok and part.include is not None:
                    ok = yield from self._included(host, here)
                elif ok and part.flush:
                    ok = yield from self._handlers(host, here)
            if not ok:
                return False
        return True

    def _block(self, host: str, group: Group, here: Place) -> Walk:
        ok = yield from self._parts(host, group.body, (*here, 0))
        if not ok and group.rescue:
            ok = yield from self._parts(host, group.rescue, (*here, 1))
        finally_ok = yield from self._parts(host, group.always, (*here, 2))
        return ok and finally_ok

    def _included(self, host: str, here: Place) -> Walk:
        for order, name in self.entering.pop(host, []):
            if not (yield from self._parts(host, self.program.files[name], (*here, order))):
                return False
        return True

    def _handlers(self, host: str, here: Place) -> Walk:
        for number, handler in enumerate(self.program.handlers):
            if number in self.notified[host]:
                self.notified[host].discard(number)
                ok = yield (*here, 1, number), handler
                if not ok:
                    return False
        return True

    # -- one task on every host that stands there

    def _one_task(self, place: Place, hosts: list[str], walks: dict[str, Walk],
                  at: dict[str, tuple[Place, Sketch]]) -> None:
        sketch = at[hosts[0]][1]
        doing = hosts[:1] if sketch.run_once else hosts
        seen = {host: dict(variables) for host, variables in self.variables.items()}
        outcome = {host: self._do(host, sketch, place, list(at), seen) for host in doing}
        if sketch.run_once and not outcome[hosts[0]]:
            outcome.update(dict.fromkeys(hosts, False))
        fatal = sketch.fatal and not all(outcome.values())
        for host in list(at) if fatal else hosts:
            self._move(host, walks, at, outcome.get(host, True) and not fatal)

    def _do(self, host: str, sketch: Sketch, place: Place, alive: list[str], seen: Seen) -> bool:
        """seen: the variables before the task; nobody sees what another host does in the same task."""
        if sketch.flush:
            return True
        if sketch.items:
            return self._loop(host, sketch, place, alive, seen)
        if not self._holds(host, sketch, seen):
            return self._skipped(host, sketch, alive)
        if sketch.include is not None:
            self._enter(host, sketch, place, [None])
            return True
        if sketch.fails:
            self.told[host].append((f"t{sketch.number}", "failed"))
            return sketch.ignore
        if sketch.sets is not None:
            self._set(sketch, host, alive, sketch.sets, {"value": sketch.reads.value(host, seen)
                                                         if sketch.reads else sketch.number})
            self.told[host].append((f"t{sketch.number}", "ok"))
            return True
        result, failed = self._attempts(host, sketch, None, seen)
        return self._done(host, sketch, alive, result, failed=failed, changed=result["changed"])

    def _holds(self, host: str, sketch: Sketch, seen: Seen) -> bool:
        if sketch.when is not None and sketch.when.value(host, seen) % 2:
            return False
        return sketch.only_on in (None, host)

    def _skipped(self, host: str, sketch: Sketch, alive: list[str]) -> bool:
        if sketch.register:
            self._set(sketch, host, alive, sketch.register, {"skipped": True})
        self.told[host].append((f"t{sketch.number}", "skipped"))
        return True

    def _attempts(self, host: str, sketch: Sketch, item: int | None, seen: Seen) -> tuple[dict[str, Any], bool]:
        args: dict[str, Any] = {"number": sketch.number, "touch": sketch.touch, "can_fail": sketch.can_fail}
        if sketch.only_on is not None:
            args["publish"] = True
        if sketch.peer is not None:
            args["peer"] = sketch.peer
        if sketch.reads is not None:
            args["extra"] = sketch.reads.value(host, seen)
        if item is not None:
            args["item"] = item
        for left in range(sketch.retries or 0, -1, -1):
            result = self.machines.act(sketch.delegate or host, args, sketch.user)
            failed = result["value"] % 5 == 0 if sketch.failed_when else bool(result["failed"])
            failed = failed or sketch.breaks
            if sketch.retries is None:
                break
            if result["value"] % 3 != 0:
                break
            if left == 0:
                failed = True
        return result, failed

    def _loop(self, host: str, sketch: Sketch, place: Place, alive: list[str], seen: Seen) -> bool:
        if sketch.include is not None:
            if not self._holds(host, sketch, seen):
                return self._skipped(host, sketch, alive)
            self._enter(host, sketch, place, list(range(sketch.items)))
            return True
        outcomes = []
        for item in range(sketch.items):
            if not self._holds(host, sketch, seen):
                result, failed = {"skipped": True}, False
            else:
                result, failed = self._attempts(host, sketch, item, seen)
                outcomes.append((result, failed))
            if sketch.register:  # which the next item sees
                seen = {**seen, BETWEEN_ITEMS: {**seen[host], sketch.register: result}}
        if not outcomes:
            return self._skipped(host, sketch, alive)
        return self._done(host, sketch, alive, {"results": []}, failed=any(failed for _, failed in outcomes),
                          changed=any(result["changed"] for result, _ in outcomes))

    def _enter(self, host: str, sketch: Sketch, place: Place, items: list[int | None]) -> None:
        assert sketch.include is not None
        orders = self.orders.setdefault(place, {})
        self.entering[host] = [(orders.setdefault((sketch.include, item), len(orders) + 1), sketch.include)
                               for item in items]

    def _done(self, host: str, sketch: Sketch, alive: list[str], result: dict[str, Any], *, failed: bool,
              changed: bool) -> bool:
        if sketch.register:
            self._set(sketch, host, alive, sketch.register, result)
        status = "failed" if failed else "changed" if changed else "ok"
        self.told[host].append((f"t{sketch.number}", status))
        if failed:
            return sketch.ignore
        if changed and sketch.notify is not None:
            self.notified[host].add(sketch.notify)
        return True

    def _set(self, sketch: Sketch, host: str, alive: list[str], name: str, value: Any) -> None:
        for receiver in (alive if sketch.run_once else [host]):
            self.variables[receiver][name] = value

