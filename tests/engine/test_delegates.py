"""Hosts outside of the play that a driving action works with: found, reached as their own variables say, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.actions.registry import Registry
from provisioner.engine.batch import Options, World
from provisioner.engine.engine import Engine
from provisioner.events import TaskResult
from provisioner.inventory.model import Inventory
from provisioner.lang.load import Loader
from provisioner.messages import ActionEnded, RunAction
from provisioner.template.templar import Templar
from provisioner.testing.play import FakeDriver
from provisioner.values import HostName

HOSTS: Mapping[str, Mapping[str, Any]] = {
    "web1": {}, "web2": {},
    "builder": {"ansible_host": "192.0.2.7", "ansible_user": "ci", "ansible_become_user": "maker"},
}  # fmt: skip


class Actions(FakeDriver):
    """Keeps what actions were given."""

    given: RunAction | None = None

    def _action(self, command: RunAction) -> ActionEnded:
        self.given = command
        return ActionEnded(command.id, {share.host: {"changed": False} for share in command.hosts})


def run(directory: Path, build: str) -> Actions:
    file = directory / "site.yml"
    file.write_text(f"""
- hosts: web*
  gather_facts: false
  become: true
  tasks:
    - nextjs_app: {{name: shop, source: shop, build: {{on: {build}}}}}
""")
    loader, inventory = Loader(), Inventory()
    for name, variables in HOSTS.items():
        inventory.add_host(HostName(name), [], variables)
    playbook, _ = loader.playbook(str(file))
    driver = Actions(Engine([playbook], World(inventory, Options()), Templar(), Registry()), {}, loader)
    driver.run()
    return driver


def failures(driver: Actions) -> list[Mapping[str, Any]]:
    return [event.result for event in driver.played.events if isinstance(event, TaskResult)]


def test_a_host_outside_of_the_play_is_reached_by_its_own_variables_and_the_tasks_become(tmp_path: Path) -> None:
    given = run(tmp_path, "builder").given
    assert given is not None
    assert [share.host for share in given.hosts] == ["web1", "web2"]
    for share in given.hosts:
        assert list(share.delegates) == ["builder"]
        delegate = share.delegates[HostName("builder")]
        assert (delegate.target.address, delegate.target.user) == ("192.0.2.7", "ci")
        assert delegate.become is not None
        assert delegate.become.user == "maker"


def test_a_name_that_the_inventory_lacks_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    driver = run(tmp_path, "bulider")
    assert driver.given is None
    for result in failures(driver):
        assert result["failed"]
        assert result["msg"].endswith("`build.on` names bulider, which is no host of the inventory")
        assert result["hint"] == "did you mean `builder`?"


def test_hosts_of_the_play_and_words_for_other_places_need_nobody_else(tmp_path: Path) -> None:
    for name in ("web2", "first", "controller"):
        given = run(tmp_path, name).given
        assert given is not None
        assert not any(share.delegates for share in given.hosts)


def test_this_machine_by_its_name_is_no_host_that_must_be_listed(tmp_path: Path) -> None:
    given = run(tmp_path, "localhost").given
    assert given is not None
    assert given.hosts[0].delegates[HostName("localhost")].target.connection == "local"
