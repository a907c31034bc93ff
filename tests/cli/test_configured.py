"""Settings files as a run sees them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from provisioner.cli import configured
from provisioner.cli.main import SECTIONS, cli, main
from provisioner.settings import Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir(mode=0o755)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(text: str, *arguments: str, cfg: str = "") -> int:
    Path("site.yml").write_text(text)
    Path("ansible.cfg").write_text(cfg or "[defaults]\ninventory = h1,\ntransport = local\n")
    return main(["apply", "site.yml", *arguments])


def test_settings_are_defaults_of_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]\n") == 0
    assert "ok: [h1]" in capsys.readouterr().out
    assert run("- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]\n", "-i", "h2,") == 0
    assert "ok: [h2]" in capsys.readouterr().out


def test_every_command_with_such_options_gets_them() -> None:
    table = configured.default_map(Settings({"inventory": ("a",), "vault_id": ("b",), "forks": 3}))
    context = click.Context(cli)
    for name in table:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            assert set(command.commands) == set(table[name])
    assert {name for entries in SECTIONS.values() for name in entries} >= set(table)


def test_facts_are_kept_and_smart_gathering_asks_only_once(capsys: pytest.CaptureFixture[str]) -> None:
    cfg = ("[defaults]\ninventory = h1,\ntransport = local\ngathering = smart\nfact_caching = jsonfile\n"
           "fact_caching_connection = facts\n")
    text = "- hosts: all\n  gather_subset: [min]\n  tasks: [{debug: {var: ansible_system}}]\n"
    assert run(text, cfg=cfg) == 0
    assert "Gathering Facts" in capsys.readouterr().out
    assert run(text, cfg=cfg) == 0
    told = capsys.readouterr().out
    assert "Gathering Facts" not in told
    assert '"ansible_system": "Linux"' in told
    assert run(text, "--flush-cache", cfg=cfg) == 0
    assert "Gathering Facts" in capsys.readouterr().out


def test_loose_conditions_are_a_warning_with_the_mended_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = "- hosts: all\n  gather_facts: false\n  vars: {names: [a]}\n  tasks: [{ping: , when: names}]\n"
    assert run(text) == 2
    capsys.readouterr()
    cfg = "[defaults]\ninventory = h1,\ntransport = local\nallow_broken_conditionals = true\n"
    assert run(text, cfg=cfg) == 0
    told = capsys.readouterr()
    assert (told.out + told.err).count("write `names is truthy`") == 1
