"""Plans carried out at a provider: in order, once, and again after any accident."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.cloud.apply import Fresh, Means, Outcome, apply
from provisioner.cloud.declared import by_declaration, resources
from provisioner.cloud.errors import CloudError, PartialListing
from provisioner.cloud.journal import Journal
from provisioner.cloud.model import Place, Ref
from provisioner.cloud.plan import Plan, Scope
from provisioner.cloud.settings import Machines, read
from provisioner.cloud.site import plan_of, survey
from provisioner.diag import Collector, Span
from provisioner.testing.cloud import FakeCloud, Faults, reopened

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9uZQ== me"
PLACE = Place("ec2", "eu-central-1")
HERE = Span("site.yml", 1)


def machines(**more: Any) -> Machines:
    values = {"name": "web", "count": 2, "provider": "ec2", "region": "eu-central-1", "size": "small",
              "ssh_keys": [KEY], "firewall": {"allow": [{"port": 22}, {"port": 443}]}, **more}
    found = Collector()
    made = read(values, HERE, {}, lambda name: Path(name).read_text(), found)
    found.raise_errors()
    assert made is not None
    return made


@dataclass
class Site:
    """One controller and the fake provider."""

    folder: Path
    cloud: FakeCloud
    told: list[tuple[str, str, str]] = field(default_factory=list)
    now: float = 1000.0

    def plan(self, *declared: Machines, **scope: Any) -> tuple[Plan, Callable[[], Outcome]]:
        found = Collector()
        wanted = resources(declared, found)
        found.raise_errors()
        journal = Journal(self.folder / "journal")
        seen = survey("shop", wanted, journal, lambda place: self.cloud, lambda: self.now, self._sleep)
        plan, images = plan_of("shop", seen, Scope(groups=by_declaration(declared), **scope))
        means = Means(seen.providers, journal, lambda each: Fresh(f"#cloud-config {each.ref.name}"), self._tell, images,
                      clock=lambda: self.now, sleep=self._sleep)
        return plan, lambda: apply(plan, seen.found, means)

    def apply(self, *declared: Machines, **scope: Any) -> Outcome:
        plan, carry_out = self.plan(*declared, **scope)
        assert not plan.problems, plan.problems
        return carry_out()

    def there(self) -> list[str]:
        resources = json.loads(self.cloud.path.read_text())["resources"]
        return sorted(" ".join(each["ref"]) for each in resources.values())

    def another_run(self, **changes: Any) -> None:
        self.cloud = reopened(self.cloud, **changes)
        self.told.clear()

    def _tell(self, ref: Ref, action: str, phase: str, words: str, seconds: float) -> None:
        self.told.append((str(ref), action, phase))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state", FakeCloud(PLACE, tmp_path / "cloud.json"))


ALL = ["firewall web", f"key {resources([machines()], Collector())[0].ref.name}", "machine web-1", "machine web-2"]


def test_what_is_missing_is_made_in_the_order_in_which_it_is_needed_and_then_there_is_nothing_to_do(site: Site) -> None:
    plan, carry_out = site.plan(machines())
    assert [str(change.ref).split()[0] for change in plan.changes] == ["key", "firewall", "machine", "machine"]
    assert plan.monthly == 20
    outcome = carry_out()
    assert site.there() == ALL
    assert {each.status for ref, each in outcome.known.items() if ref.kind == "machine"} == {"running"}
    assert all(each.address for ref, each in outcome.known.items() if ref.kind == "machine")
    assert site.plan(machines())[0].changes == ()


def test_the_user_data_and_the_generation_reach_the_machine(site: Site) -> None:
    site.apply(machines())
    made = {each["ref"][1]: each for each in json.loads(site.cloud.path.read_text())["resources"].values()}
    assert made["web-2"]["user_data"] == "#cloud-config web-2"
    assert made["web-2"]["generation"] == 1


@pytest.mark.parametrize(("changed", "action", "fields"), [
    ({"size": "big"}, "restart", ["size"]),
    ({"image": "debian-13"}, "replace", ["image"]),
    ({"user_data": "#!/bin/sh"}, "update", ["user_data"]),
    ({"ssh_keys": [KEY, KEY.replace("IG9u", "IG9v")]}, "update", ["keys"]),
    ({"groups": ["web"]}, "update", ["groups"]),
    ({"protected": True}, "update", ["protected"]),
])  # fmt: skip
def test_a_changed_field_says_what_it_takes(site: Site, changed: dict[str, Any], action: str,
                                            fields: list[str]) -> None:
    site.apply(machines())
    plan, _ = site.plan(machines(**changed))
    mine = [change for change in plan.changes if change.ref.kind == "machine"]
    assert [(change.action, [each.name for each in change.fields]) for change in mine] == [(action, fields)] * 2


def test_replacing_has_to_be_allowed_by_name(site: Site) -> None:
    site.apply(machines())
    plan, _ = site.plan(machines(image="debian-13"))
    assert [problem.ref.name for problem in plan.problems] == ["web-1", "web-2"]
    assert "--replace web-1" in plan.problems[0].hint
    site.apply(machines(image="debian-13"), replace=frozenset({"web-1", "web-2"}))
    made = json.loads(site.cloud.path.read_text())["resources"].values()
    assert sorted(each["generation"] for each in made if each["ref"][0] == "machine") == [2, 2]
    assert site.there() == ALL


def test_what_points_at_a_replaced_machine_is_set_again(site: Site) -> None:
    declared = {"reserved_ip": True, "volumes": [{"name": "data", "size": 10}], "dns": [{"name": "shop.example.com"}]}
    site.apply(machines(count=1, **declared))
    plan, carry_out = site.plan(machines(count=1, image="debian-13", **declared), replace=frozenset({"web-1"}))
    assert [(change.action, str(change.ref)) for change in plan.changes] == [
        ("replace", "machine web-1"), ("update", "volume web-1-data"), ("update", "address web-1"),
        ("update", "record shop.example.com")]  # fmt: skip
    carry_out()
    assert site.plan(machines(count=1, image="debian-13", **declared))[0].changes == ()


def test_fewer_machines_means_that_the_last_ones_go_after_everything_else(site: Site) -> None:
    site.apply(machines())
    plan, carry_out = site.plan(machines(count=1, size="big"))
    assert [(change.action, change.ref.name) for change in plan.changes] == [("restart", "web-1"), ("delete", "web-2")]
    carry_out()
    assert "machine web-2" not in site.there()


def test_protected_machines_are_neither_deleted_nor_replaced(site: Site) -> None:
    site.apply(machines(protected=True))
    assert [problem.ref.name for problem in site.plan(destroy=True)[0].problems] == ["web-1", "web-2"]
    plan, _ = site.plan(machines(protected=True, image="debian-13"), replace=frozenset({"web-1", "web-2"}))
    assert plan.problems
    assert all("protected" in problem.message for problem in plan.problems)


def test_destroy_leaves_nothing_and_a_new_apply_makes_new_machines(site: Site) -> None:
    site.apply(machines())
    before = json.loads(site.cloud.path.read_text())["resources"]
    site.apply(machines(), destroy=True)
    assert site.there() == []
    site.apply(machines())
    after = json.loads(site.cloud.path.read_text())["resources"]
    assert {each["token"] for each in before.values()}.isdisjoint(each["token"] for each in after.values())


def test_a_place_that_the_playbook_no_longer_names_is_still_looked_at(site: Site) -> None:
    site.apply(machines())
    plan, carry_out = site.plan()
    assert plan.count("delete") == 4
    carry_out()
    assert site.there() == []


def test_a_target_brings_what_it_needs_and_nothing_else(site: Site) -> None:
    site.apply(machines(), targets=frozenset({"web-1"}))
    assert site.there() == [name for name in ALL if name != "machine web-2"]
    plan, _ = site.plan(machines(), targets=frozenset({"wbe"}))
    assert plan.problems[0].hint == "did you mean `web`?"


def test_a1_a4_a_failed_create_leaves_the_others_and_the_next_run_makes_the_rest(site: Site) -> None:
    site.another_run(faults=Faults(most=4))
    outcome = site.apply(machines(count=5))
    assert len([each for each in site.there() if each.startswith("machine")]) == 2
    assert [ref.name for ref, _ in outcome.failed] == ["web-3", "web-4", "web-5"]
    site.another_run(faults=Faults())
    site.apply(machines(count=5))
    assert len([each for each in site.there() if each.startswith("machine")]) == 5


def test_nothing_is_deleted_after_something_failed(site: Site) -> None:
    site.apply(machines())
    site.another_run(faults=Faults(before=frozenset({("update", 1)})))
    outcome = site.apply(machines(count=1, size="big"))
    assert [str(change.ref) for change in outcome.left] == ["machine web-2"]
    assert site.there() == ALL


@pytest.mark.parametrize("lost", range(1, 5))
def test_a2_a_lost_answer_does_not_make_a_second_one(site: Site, lost: int) -> None:
    site.another_run(faults=Faults(after=frozenset({("create", lost)})))
    outcome = site.apply(machines())
    assert outcome.failed
    site.another_run(faults=Faults())
    site.apply(machines())
    assert site.there() == ALL


@pytest.mark.parametrize("lost", range(1, 5))
def test_a3_nor_does_one_that_is_not_visible_yet(site: Site, lost: int) -> None:
    site.another_run(faults=Faults(after=frozenset({("create", lost)}), hidden=2))
    site.apply(machines())
    site.another_run()
    site.apply(machines())
    site.another_run(faults=Faults())
    assert site.plan(machines())[0].changes == ()
    assert site.there() == ALL


def test_a3_without_tokens_the_same_accident_makes_a_second_one(site: Site) -> None:
    """Shows that the tests above would see it."""
    for tokens in (True, False):
        site.another_run(faults=Faults(after=frozenset({("create", 4)}), tokens=tokens))
        site.apply(machines())
        site.cloud.edit("machine-4", seen=-10)
        site.another_run()
        site.apply(machines())
        assert (site.there() == ALL) is tokens
        (site.folder / "journal").unlink()
        site.cloud.path.unlink()


def test_a12_a_deleted_journal_loses_nothing_that_can_be_seen(site: Site) -> None:
    site.apply(machines())
    (site.folder / "journal").unlink()
    assert site.plan(machines())[0].changes == ()
    site.apply(machines(), destroy=True)
    assert site.there() == []


def test_a9_a_partial_listing_is_an_error_and_never_nothing(site: Site) -> None:
    site.apply(machines())
    site.another_run(faults=Faults(partial=True))
    with pytest.raises(PartialListing):
        site.plan(machines())


def test_a8_expired_credentials_are_told_before_anything_is_done(site: Site) -> None:
    site.another_run(faults=Faults(expired=True))
    with pytest.raises(CloudError, match="expired"):
        site.plan(machines())
    assert not site.cloud.path.exists()


def test_a7_what_the_provider_will_refuse_is_a_problem_of_the_plan(site: Site) -> None:
    plan, _ = site.plan(machines(image="no-such-image"))
    assert [(problem.ref.name, problem.message) for problem in plan.problems] == [
        ("web-1", "there is no image no-such-image"), ("web-2", "there is no image no-such-image")]


def test_one_that_exists_twice_is_told_and_nothing_is_done_about_it(site: Site) -> None:
    site.apply(machines())
    state = json.loads(site.cloud.path.read_text())
    twin = next(each for each in state["resources"].values() if each["ref"] == ["machine", "web-1"])
    state["resources"]["machine-99"] = {**twin, "id": "machine-99"}
    site.cloud.path.write_text(json.dumps(state))
    assert "exists twice" in site.plan(machines())[0].problems[0].message


def killed_at(site: Site, step: int, do: Callable[[], object]) -> bool:
    """Do it in a process that dies at the n-th effect; False if it got through."""
    child = os.fork()
    if child == 0:
        left = [step]

        def at(name: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

        site.another_run(at=at)
        try:
            do()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def test_a12_killed_at_every_effect_of_an_apply_the_next_one_ends_with_exactly_what_is_declared(site: Site) -> None:
    for step in range(1, 100):
        interrupted = killed_at(site, step, lambda: site.apply(machines()))
        site.another_run()
        site.apply(machines())
        assert site.there() == ALL, step
        assert site.plan(machines())[0].changes == ()
        site.apply(machines(), destroy=True)
        assert site.there() == []
        if not interrupted:
            assert step > 8  # four creates, before and after each
            return
    pytest.fail("it never got through")


def test_a12_and_of_a_destroy(site: Site) -> None:
    for step in range(1, 100):
        site.apply(machines())
        interrupted = killed_at(site, step, lambda: site.apply(machines(), destroy=True))
        site.another_run()
        site.apply(machines(), destroy=True)
        assert site.there() == [], step
        if not interrupted:
            assert step > 8
            return
    pytest.fail("it never got through")


def test_a_machine_that_an_interrupted_run_made_is_waited_for(site: Site) -> None:
    site.apply(machines())
    site.cloud.edit("machine-3", status="pending", looks=0)
    outcome = site.apply(machines())
    assert outcome.known[Ref("machine", "web-1")].status == "running"
    assert ("machine web-1", "wait", "done") in site.told


def test_a6_a_machine_that_was_stopped_by_hand_is_started(site: Site) -> None:
    site.apply(machines())
    site.cloud.edit("machine-3", status="stopped")
    plan, carry_out = site.plan(machines())
    assert [(change.ref.name, change.calls) for change in plan.changes] == [("web-1", ("running",))]
    carry_out()
    assert site.plan(machines())[0].changes == ()


def test_one_that_does_not_get_ready_is_told_after_ten_minutes(site: Site) -> None:
    site.apply(machines())
    site.cloud.edit("machine-3", status="pending", looks=-1000)
    outcome = site.apply(machines())
    assert [(ref.name, type(error).__name__) for ref, error in outcome.failed] == [("web-1", "Unavailable")]
