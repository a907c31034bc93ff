"""Commands about machines, as a person types them, with moto as EC2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.cloud.lock import site_lock
from provisioner.cloud.model import HostSettings, Place, Ref, Wanted
from provisioner.cloud.provider import Order
from provisioner.cloud.providers.ec2 import Ec2
from provisioner.testing.aws import Aws

Provision = Callable[..., tuple[int, str, str]]
REGION = "eu-central-1"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me"


@pytest.fixture
def provision(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
              capsys: pytest.CaptureFixture[str]) -> Provision:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "site.yml").write_text(f"""
- site: shop
  machines:
    - name: web
      provider: ec2
      region: {REGION}
      endpoint: {aws.url}
      size: t3.small
      disk: 20
      ssh_keys: ["{KEY}"]
""")

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def make(aws: Aws, site: str, name: str) -> None:
    """A firewall with our tags, as another controller makes it."""
    place = Place("ec2", REGION, endpoint=aws.url)
    wanted = Wanted(Ref("firewall", name), place, {"rules": []}, (), HostSettings("deploy"))
    Ec2(place).create(Order(wanted, site, 1, f"{site}{name}", {}))


def groups(aws: Aws) -> set[str]:
    return {group.name for group in aws.backend(REGION).describe_security_groups()} - {"default"}


def test_a_plan_is_shown_and_changes_nothing(provision: Provision, aws: Aws) -> None:
    code, out, err = provision("plan", "--detailed-exitcode", "site.yml")
    assert (code, "  + machine web" in out) == (2, True), err
    assert "not created yet" in err
    assert "no inventory" not in err
    assert groups(aws) == set()


def test_nothing_is_changed_where_nobody_can_say_yes(provision: Provision, aws: Aws) -> None:
    code, _, err = provision("apply", "site.yml")
    assert code == 5
    assert "say --yes" in err
    assert groups(aws) == set()


def test_a_saved_plan_is_refused_when_the_world_has_moved(provision: Provision, aws: Aws, tmp_path: Path) -> None:
    assert provision("plan", "-o", "saved", "site.yml")[0] == 0
    assert (tmp_path / "saved").stat().st_mode & 0o777 == 0o600
    make(aws, "shop", "old")
    code, out, err = provision("apply", "saved")
    assert code == 1
    assert "is not what it was when the plan was saved" in err
    assert "  - firewall old" in out
    assert groups(aws) == {name for name in groups(aws) if "old" in name}


@pytest.mark.parametrize(("text", "words"), [
    ('{"provision_plan": 99, "directory": "/", "options": {}, "machines": {}}', "another version"),
    ('{"provision_plan": 1, ', "damaged"),
])
def test_a_saved_plan_that_is_not_understood_is_an_error(provision: Provision, tmp_path: Path, text: str,
                                                         words: str) -> None:
    (tmp_path / "saved").write_text(text)
    code, _, err = provision("apply", "saved")
    assert (code, words in err) == (5, True)


def test_what_no_playbook_declares_is_listed_and_pruned(provision: Provision, aws: Aws) -> None:
    make(aws, "shop", "web")
    make(aws, "shop", "old")
    make(aws, "gone", "web")
    code, out, _ = provision("cloud", "list", "--json", "site.yml")
    assert [(each["site"], each["name"]) for each in json.loads(out)] == [
        ("gone", "web"), ("shop", "old"), ("shop", "web")]
    code, out, _ = provision("cloud", "orphans", "site.yml")
    assert code == 2
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["gone", "firewall", "web"], ["shop", "firewall", "old"]]
    code, out, _ = provision("cloud", "prune", "-y", "site.yml")
    assert (code, out.count("deleted: ")) == (0, 2)
    assert provision("cloud", "orphans", "site.yml")[:2] == (0, "Nothing.\n")
    assert len(groups(aws)) == 1


def test_nothing_is_pruned_of_a_site_that_is_being_changed(provision: Provision, aws: Aws, tmp_path: Path) -> None:
    make(aws, "gone", "web")
    make(aws, "shop", "old")
    with site_lock(tmp_path / "state/cloud/shop", "shop", "provision apply", time.time()):
        code, _, err = provision("cloud", "prune", "-y", "site.yml")
    assert (code, "is being changed by `provision apply`" in err) == (6, True)
    assert len(groups(aws)) == 2


@pytest.mark.parametrize("words", [("cloud", "orphans"), ("cloud", "prune", "-y")])
def test_without_a_playbook_nothing_is_an_orphan(provision: Provision, words: tuple[str, ...]) -> None:
    code, _, err = provision(*words)
    assert code == 5
    assert "name the playbooks" in err


def test_destroy_deletes_what_the_site_has_and_nothing_else(provision: Provision, aws: Aws) -> None:
    make(aws, "shop", "web")
    make(aws, "other", "web")
    code, out, _ = provision("destroy", "-y", "site.yml")
    assert code == 0
    assert "deleted: [firewall web]" in out
    assert len(groups(aws)) == 1


def test_destroy_of_a_playbook_without_machines_is_an_error(provision: Provision, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("- hosts: all\n  tasks: []\n")
    code, _, err = provision("destroy", "-y", "hosts.yml")
    assert (code, "declare no machines" in err) == (5, True)
