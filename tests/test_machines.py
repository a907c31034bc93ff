"""From declarations in a playbook to hosts of the inventory, with a provider in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.cloud.apply import Fresh
from provisioner.cloud.lock import site_lock
from provisioner.cloud.model import Found, Place, Wanted
from provisioner.cloud.provider import Provider
from provisioner.cloud.touch import Touch
from provisioner.diag import Collector, LockHeld
from provisioner.drift.findings import check_of
from provisioner.events import Event, MachinesPlanned, MachineStep, PlayStarted, RunEnded, RunStarted
from provisioner.history.baselines import baseline_of
from provisioner.history.queries import opened
from provisioner.lang.load import load_playbook
from provisioner.machines import Impossible, Machinery, Refused, Site, Stage, Unfinished, sites_of
from provisioner.testing.cloud import FakeCloud, Faults, reopened
from provisioner.ui.machines import plan_lines, step_line
from tests.history.recording import record

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9uZQ== me"
PLAYBOOK = f"""
- name: Machines
  site: shop
  machines:
    - name: web
      count: 2
      provider: ec2
      region: eu-central-1
      size: small
      ssh_keys: ["{KEY}"]
      groups: [web, front]
      vars: {{colour: blue}}
"""


@dataclass
class Enrolled:
    """An enroller that verifies nothing, but remembers what it was asked."""

    done: dict[str, str] = field(default_factory=dict)
    waited: list[str] = field(default_factory=list)

    def fresh(self, wanted: Wanted, provider: Provider) -> Fresh:
        return Fresh(f"#cloud-config {wanted.ref.name}", {"public": f"key of {wanted.ref.name}"})

    def host(self, wanted: Wanted, found: Found, provider: Provider, notes: Sequence[Mapping[str, Any]],
             report: Callable[[str], None]) -> Mapping[str, Any]:
        assert notes[-1] == {"public": f"key of {wanted.ref.name}"}
        report("waiting for SSH")
        self.done[found.id] = found.address
        return {"ansible_host": found.address}

    def known(self, wanted: Wanted, found: Found) -> Mapping[str, Any] | None:
        return {"ansible_host": self.done[found.id]} if found.id in self.done else None

    def wait(self, wanted: Wanted, found: Found, provider: Provider, report: Callable[[str], None]) -> None:
        self.waited.append(wanted.ref.name)

    def forget(self, found: Found) -> None:
        self.done.pop(found.id, None)


@dataclass
class Bench:
    folder: Path
    cloud: FakeCloud
    enrolled: Enrolled = field(default_factory=Enrolled)
    events: list[Event] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    answer: bool = True

    @property
    def machinery(self) -> Machinery:
        self.events.clear()
        return Machinery(self.folder, lambda place: self.cloud, lambda site: self.enrolled, self.events.append,
                         self.ask, b"key", sleep=lambda seconds: None)

    def ask(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer

    def site(self, **changed: str) -> Site:
        text = PLAYBOOK
        for name, value in changed.items():
            text = re.sub(rf"{name}: .*", f"{name}: {value}", text)
        file = self.folder.parent / "site.yml"
        file.write_text(text)
        (site,) = sites_of([load_playbook(file)[0]], Collector())
        return site

    def plan(self, touch: Touch = Touch(), **changed: str) -> Stage:  # noqa: B008 - a frozen value
        return self.machinery.plan(self.site(**changed), touch)

    def apply(self, touch: Touch = Touch(), **changed: str) -> Stage:  # noqa: B008
        return self.machinery.apply(self.site(**changed), touch, "provision apply")

    def text(self) -> list[str]:
        planned = next(event for event in self.events if isinstance(event, MachinesPlanned))
        return [line for line, _ in plan_lines(planned)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "state", FakeCloud(Place("ec2", "eu-central-1"), tmp_path / "cloud.json"))


def test_a_plan_shows_what_will_be_made_and_leaves_nothing_behind(bench: Bench) -> None:
    stage = bench.plan()
    assert [host.name for host in stage.absent] == ["web-1", "web-2"]
    assert not bench.folder.exists()
    text = bench.text()
    assert "  + machine web-1" in text
    assert any(re.fullmatch(r"      size +small", line) for line in text)
    assert text[-1] == ("Plan: 4 to create, 0 to change, 0 to replace, 0 to delete; 0 unchanged. "
                        "Machines that are made or changed: $20.00 a month.")


def test_an_apply_asks_makes_verifies_and_gives_hosts(bench: Bench) -> None:
    stage = bench.apply()
    assert stage.rekeyed == {}
    assert bench.questions == ["Make these 4 changes to the machines of the site shop?"]
    assert [(host.name, host.groups, dict(host.variables)) for host in stage.hosts] == [
        (f"web-{n}", ("web", "front"), {"colour": "blue", "ansible_host": f"192.0.2.{n + 2}"}) for n in (1, 2)]
    lines = [step_line(event) for event in bench.events if isinstance(event, MachineStep)]
    assert "created: [machine web-1] (192.0.2.3)" in lines
    assert "verified: [machine web-2]" in lines


def test_hosts_know_their_volumes_by_paths_that_stay(bench: Bench) -> None:
    volumes = "2\n      volumes: [{name: data, size: 10, mount: /srv}]"
    said = [host.variables["machine_volumes"] for host in bench.plan(count=volumes).absent]
    assert [each["device"] for each, in said] == [
        "/dev/disk/by-id/not-made-yet-web-1-data", "/dev/disk/by-id/not-made-yet-web-2-data"]
    made = [host.variables["machine_volumes"] for host in bench.apply(count=volumes).hosts]
    ids = {each.ref.name: each.id for each in bench.cloud.found("shop") if each.ref.kind == "volume"}
    assert made == [[{"name": "data", "size": 10, "mount": "/srv", "filesystem": "ext4",
                      "device": f"/dev/disk/by-id/{ids[f'web-{number}-data']}"}] for number in (1, 2)]
    assert [host.variables["machine_volumes"] for host in bench.plan(count=volumes).hosts] == made


def test_a_second_apply_neither_asks_nor_looks_at_hosts(bench: Bench) -> None:
    bench.apply()
    bench.questions.clear()
    assert len(bench.apply().hosts) == 2
    assert bench.questions == []
    assert bench.text()[-1] == "No changes: 4 resources are as declared."
    assert not [event for event in bench.events if isinstance(event, MachineStep)]


def test_without_a_yes_nothing_is_made(bench: Bench) -> None:
    bench.answer = False
    with pytest.raises(Refused):
        bench.apply()
    assert json.loads(bench.cloud.path.read_text())["resources"] == {}


def test_a_machine_that_was_made_but_never_verified_is_verified_by_the_next_run(bench: Bench) -> None:
    bench.apply()
    bench.enrolled.done.clear()
    assert [host.name for host in bench.plan().absent] == ["web-1", "web-2"]
    bench.apply()
    assert len(bench.enrolled.done) == 2


def test_a_saved_plan_is_carried_out_without_asking_or_refused_when_the_world_has_moved(bench: Bench) -> None:
    bench.apply()
    saved = Touch(saved={"shop": bench.plan(size="big").digest})
    bench.questions.clear()
    bench.apply(saved, size="big")
    assert bench.questions == []
    assert not bench.plan(size="big").changed
    with pytest.raises(Refused, match="not what it was"):
        bench.apply(saved, size="big")


def test_the_plan_names_the_field_that_forces_a_new_machine_and_the_flag_that_allows_it(bench: Bench) -> None:
    bench.apply()
    with pytest.raises(Impossible) as raised:
        bench.plan(size="small\n      image: debian-13")
    assert [item.hint for item in raised.value.items] == [
        "say so with `--replace web-1`, or undo the change", "say so with `--replace web-2`, or undo the change"]
    assert "  -/+ machine web-1" in bench.text()


def test_machines_that_were_stopped_for_a_change_are_waited_for(bench: Bench) -> None:
    bench.apply()
    assert bench.enrolled.waited == []
    bench.apply(size="big")
    assert bench.enrolled.waited == ["web-1", "web-2"]


def test_changed_keys_are_put_on_the_host_and_remembered_only_then(bench: Bench) -> None:
    bench.apply()
    other = f'["{KEY.replace("IG9u", "IG9v")}"]'
    stage = bench.apply(ssh_keys=other)
    assert sorted(stage.rekeyed) == ["web-1", "web-2"]
    assert bench.plan(ssh_keys=other).changed
    for _, remember in stage.rekeyed.values():
        remember()
    assert not bench.plan(ssh_keys=other).changed


def test_a_failure_stops_the_run_before_any_host_is_touched(bench: Bench) -> None:
    bench.cloud = reopened(bench.cloud, faults=Faults(most=3))
    with pytest.raises(Unfinished, match="machine web-2 was not made as declared: The account has no room"):
        bench.apply()


def test_destroy_forgets_the_hosts(bench: Bench) -> None:
    bench.apply()
    bench.apply(Touch(destroy=True))
    assert bench.questions[-1] == "Delete 4 resources of the site shop?"
    assert bench.enrolled.done == {}


def test_c1_two_runs_do_not_change_a_site_at_a_time(bench: Bench) -> None:
    with site_lock(bench.folder / "cloud" / "shop", "shop", "provision apply", 0.0):
        bench.plan()
        with pytest.raises(LockHeld, match=r"is being changed by `provision apply` \(process \d+, for \d+ s\)"):
            bench.apply()


OK = "provider: lab\n      ssh_keys: [KEY]\n"
MISTAKES = {
    "name: web\n      provider: ec3\n      ssh_keys: [KEY]\n": [(5, 17, "did you mean ec2?")],
    f"name: Web\n      {OK}": [(4, 13, "use a-z")],
    "name: web\n      provider: ec2\n      ssh_keys: [KEY]\n": [
        (4, 7, "need a `region`"), (4, 7, "need a `size`")],
    "name: web\n      provider: lab\n      ssh_key: [KEY]\n": [(6, 7, "did you mean `ssh_keys`?")],
    "name: web\n      provider: lab\n      ssh_keys: [nope.pub]\n": [(6, 7, "as a file: No such file")],
    f"name: web\n      {OK}      firewall: {{allow: [{{port: 99999}}]}}\n": [
        (7, 7, "neither a port nor a range")],
    f"name: web\n      {OK}      firewall: {{allow: [{{port: 1, from: [10.0.0.1/8]}}]}}\n": [
        (7, 7, "has host bits set")],
    f"name: web\n      {OK}      load_balancer: true\n": [(7, 22, "not supported yet")],
    f"name: web\n      {OK}    - name: web\n      {OK}": [
        (7, 7, "firewall web is made by two entries"), (7, 7, "machine web is made by two entries")],
    f"name: web\n      {OK}      count: 1000\n": [(7, 14, "not between 0 and 500")],
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text.split("provider")[-1].replace("\n", " ").strip())
def test_each_mistake_of_a_declaration_is_told_where_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "site.yml"
    file.write_text("- site: shop\n\n  machines:\n    - " + text.replace("KEY", f'"{KEY}"'))
    found = Collector()
    sites_of([load_playbook(file)[0]], found)
    told = [(item.span.line, item.span.column, str(item)) for item in found.errors if item.span]
    assert [(line, column) for line, column, _ in told] == [(line, column) for line, column, _ in MISTAKES[text]], told
    for (_, _, words), (_, _, wanted) in zip(told, MISTAKES[text], strict=True):
        assert wanted in words


def recorded(bench: Bench, name: str) -> list[tuple[str, str, str]]:
    """Record what the bench told as a run that goes on to its hosts; gives (resource, kind, diff) of its findings."""
    checked = name.startswith("check")
    told = [RunStarted(name, ("site.yml",), checked, True, "1.0"), *bench.events, PlayStarted("Web", ()),
            RunEnded(0, {}, 1.0)]  # fmt: skip
    file = bench.folder.parent / "history.db"
    assert record(file, told).problem == ""
    with opened(file) as db:
        found = check_of(told, lambda resource: baseline_of(db, resource), ()).findings
    return [(each.host, each.kind, "".join((each.diff or {}).values()) or each.reason) for each in found]


def test_what_somebody_changed_at_the_provider_has_drifted_and_what_is_declared_otherwise_is_pending(
        bench: Bench) -> None:  # fmt: skip
    bench.plan()
    assert {kind for _, kind, _ in recorded(bench, "check1")} == {"pending"}
    bench.apply()
    recorded(bench, "apply1")
    bench.plan()
    assert recorded(bench, "check2") == []
    machine = next(each for each in bench.cloud.found("shop") if each.ref.name == "web-1")
    bench.cloud.edit(machine.id, fields={**machine.fields, "size": "big"})
    bench.plan()
    assert recorded(bench, "check3") == [("machine web-1", "drifted", "size: big\nsize: small\n")]
    bench.plan(size="big")
    assert [(name, kind) for name, kind, _ in recorded(bench, "check4")] == [("machine web-2", "pending")]
    bench.plan(count="1")
    assert [(name, kind) for name, kind, _ in recorded(bench, "check5")] == [
        ("machine web-1", "drifted"), ("machine web-2", "pending")]  # fmt: skip
