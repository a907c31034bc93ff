"""Random plays have the same history in segments, in lockstep, and under the naive interpreter.

`PROVISION_RANDOM_PROGRAMS` sets how many are run (the long suite runs 20,000).
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from programs import Machines, Naive, Part, Program, nodes, random_program

from provisioner.actions.base import Done, Expansion, HostWork
from provisioner.engine.batch import Options, World
from provisioner.engine.engine import Engine
from provisioner.engine.modules import ModuleInfo
from provisioner.engine.planner import Cuts
from provisioner.events import TaskResult
from provisioner.inventory.model import Inventory
from provisioner.lang.load import Loader
from provisioner.lang.model import Include, Node
from provisioner.messages import Become
from provisioner.template.templar import Templar
from provisioner.testing.play import FakeDriver
from provisioner.values import HostName

PROGRAMS = int(os.environ.get("PROVISION_RANDOM_PROGRAMS", "1500"))
TEMPLAR = Templar()


def set_fact(call: Expansion) -> Done | HostWork:
    return Done({"changed": False, "ansible_facts": dict(call.args)}, variables=call.args)


def fail(call: Expansion) -> Done | HostWork:
    return Done({"changed": False, "failed": True, "msg": call.args["msg"]})


LOCAL = {"set_fact": set_fact, "fail": fail}


@dataclass(frozen=True, slots=True)
class RandomModules:
    """The one module of random programs, and what needs no host."""

    def get(self, name: str) -> ModuleInfo | None:
        return ModuleInfo(name, None, expand=LOCAL.get(name))


@dataclass(slots=True)
class MachineDriver(FakeDriver):
    """Hosts are `Machines`, so that users count too."""

    machines: Machines = field(default_factory=Machines)

    def call(self, machine: str, module: str, args: dict[str, Any], become: Become | None) -> Mapping[str, Any]:
        return self.machines.act(machine, args, become.user if become else None)


class ProgramLoader(Loader):
    """Answers includes from a program's own files."""

    def __init__(self, files: Mapping[str, tuple[Part, ...]]) -> None:
        super().__init__()
        object.__setattr__(self, "files", {name: nodes(parts) for name, parts in files.items()})

    def tasks(self, include: Include, file: str, variables: Mapping[str, Any] | None = None) -> tuple[Node, ...]:
        found: Mapping[str, tuple[Node, ...]] = self.files  # type: ignore[attr-defined]
        return found[file]


def run(program: Program, *, strategy: str, shuffle: int, cuts: Cuts) -> tuple[Any, ...]:
    inventory = Inventory()
    for host in program.hosts:
        inventory.add_host(HostName(host), [], {})
    world = World(inventory, Options(strategy=strategy, cuts=cuts))
    engine = Engine([program.playbook()], world, TEMPLAR, RandomModules())
    driver = MachineDriver(engine, {}, ProgramLoader(program.files), rng=random.Random(shuffle))
    played = driver.run()
    handlers = {f"handler {number}": f"t{sketch.number}" for number, sketch in enumerate(program.handlers)}
    told: dict[str, list[tuple[str, str]]] = {host: [] for host in program.hosts}
    for event in played.events:
        if isinstance(event, TaskResult):
            told[event.host].append((handlers.get(event.task.name, event.task.name), event.status))
    failed = {str(host) for host, memory in world.memories.items() if memory.failed}
    return driver.machines.history, driver.machines.touched, told, failed, played.segments


def expected(program: Program) -> tuple[Any, ...]:
    naive = Naive(program)
    naive.run()
    return naive.machines.history, naive.machines.touched, naive.told, naive.failed


ALL_RULES = Cuts()


def agrees(seed: int, *, strategy: str = "linear", cuts: Cuts = ALL_RULES) -> bool:
    program = random_program(seed)
    return run(program, strategy=strategy, shuffle=seed, cuts=cuts)[:4] == expected(program)


SHARDS = 6


@pytest.mark.parametrize("shard", range(SHARDS))
def test_segments_give_the_history_of_the_naive_interpreter(shard: int) -> None:
    wrong = [seed for seed in range(shard, PROGRAMS, SHARDS) if not agrees(seed)]
    assert not wrong


def test_lockstep_gives_the_history_of_the_naive_interpreter() -> None:
    assert not [seed for seed in range(PROGRAMS // 5) if not agrees(seed, strategy="lockstep")]


def test_segments_save_round_trips() -> None:
    programs = [program for seed in range(400) if len((program := random_program(seed)).hosts) == 1]
    together = sum(run(program, strategy="linear", shuffle=1, cuts=Cuts())[4] for program in programs)
    singly = sum(run(program, strategy="lockstep", shuffle=1, cuts=Cuts())[4] for program in programs)
    assert together < 0.8 * singly, f"{together} of {singly}"


def differs_without(rule: str, seed: int) -> bool:
    try:
        return not agrees(seed, cuts=Cuts(**{rule: False}))
    except AssertionError:  # the engine or the driver noticed by itself
        return True


#: For each rule the first random program that needs it; found by going through the seeds from 0.
NEEDED_BY = {
    "pending": 19, "alone": 16, "failed_when": 7, "unseen": 111, "become": 1, "handlers": 8780, "reraise": 121,
    "uneven": 244, "lost": 6, "rescue": 2511, "fatal": 5077,
}


def test_every_rule_has_a_program_that_needs_it() -> None:
    assert set(NEEDED_BY) == {rule.name for rule in fields(Cuts)}


@pytest.mark.parametrize("rule", NEEDED_BY)
def test_without_the_rule_the_history_differs(rule: str) -> None:
    seed = NEEDED_BY[rule]
    assert agrees(seed)
    assert differs_without(rule, seed)
