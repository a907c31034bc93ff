"""Settings from files and the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.diag import InputError, UsageError
from provisioner.settings import KEYS, Settings, read_settings

Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Settings of a directory with these files, under this environment."""
    (tmp_path / "home").mkdir()
    work = tmp_path / "work"
    work.mkdir(mode=0o755)
    monkeypatch.chdir(work)

    def reading(cfg: str = "", toml: str = "", **environment: str) -> Settings:
        for name, text in (("ansible.cfg", cfg), ("provision.toml", toml)):
            if text:
                (work / name).write_text(text)
        return read_settings(environment, work, tmp_path / "home")

    return reading


def test_nothing_is_special_without_files() -> None:
    assert read_settings({}, Path("/nowhere"), Path("/nowhere")) == Settings()


def test_ansible_cfg_gives_defaults_of_options_and_what_has_none(read: Read) -> None:
    found = read("""
[defaults]
inventory = hosts.ini,more/   ; where they are
forks = 20
roles_path = roles:~/shared:/etc/roles
gathering = smart
stdout_callback = yaml
host_key_checking = False
[privilege_escalation]
become = yes
[ssh_connection]
pipelining = True
""")
    assert found.options == {"inventory": ("hosts.ini", "more"), "forks": 20, "accept_new_host_keys": True,
                             "become": True}
    assert found.roles_path == ("roles", str(Path("~/shared").expanduser()), "/etc/roles")
    assert found.gathering == "smart"
    assert [warning.summary for warning in found.warnings] == ["Host keys are checked all the same"]


def test_our_own_settings_win_and_the_environment_wins_over_files(read: Read) -> None:
    cfg = "[defaults]\nforks = 1\n"
    assert read(cfg).options["forks"] == 1
    assert read(cfg, ANSIBLE_FORKS="2").options["forks"] == 2
    assert read(cfg, "forks = 3\n", ANSIBLE_FORKS="2").options["forks"] == 3
    assert read(cfg, "forks = 3\n", ANSIBLE_FORKS="2", PROVISION_FORKS="4").options["forks"] == 4


def test_paths_begin_where_the_file_is(read: Read, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "ansible.cfg").write_text("[defaults]\nroles_path = r\ninventory = h1,h2,\n")
    found = read(ANSIBLE_CONFIG=str(tmp_path / "etc"))
    assert found.roles_path == ("../etc/r",)
    assert found.options["inventory"] == ("h1,h2,",)


def test_the_users_file_counts_where_the_directory_has_none(read: Read, tmp_path: Path) -> None:
    (tmp_path / "home" / ".ansible.cfg").write_text("[defaults]\nforks = 7\n")
    assert read().options == {"forks": 7}


def test_a_directory_that_everybody_may_write_to_gives_no_settings(read: Read, tmp_path: Path) -> None:
    (tmp_path / "work").chmod(0o777)
    found = read("[defaults]\nforks = 9\n", "forks = 8\n")
    assert found.options == {}
    assert ["ansible.cfg in it is not read" in warning.detail for warning in found.warnings] == [True, False]
    assert read(ANSIBLE_CONFIG="ansible.cfg").options == {"forks": 9}


@pytest.mark.parametrize(("settings", "error", "told"), [
    ({"cfg": "[defaults]\nforks = many\n"}, UsageError, "`forks` must be a number, not 'many'"),
    ({"PROVISION_FORKS": "0"}, UsageError, "PROVISION_FORKS must be 1 or more, not '0'"),
    ({"ANSIBLE_GATHERING": "often"}, UsageError, "ANSIBLE_GATHERING must be implicit, explicit or smart"),
    ({"ANSIBLE_TRANSPORT": "winrm"}, UsageError, "ANSIBLE_TRANSPORT must be ssh or local"),
    ({"toml": "fork = 3\n"}, InputError, "did you mean `forks`?"),
    ({"toml": "forks = \n"}, InputError, "provision.toml:1"),
    ({"cfg": "forks = 3\n"}, InputError, "ansible.cfg:1"),
])
def test_what_is_wrong_is_told_with_its_place(read: Read, settings: dict[str, Any], error: type[Exception],
                                              told: str) -> None:
    with pytest.raises(error) as raised:
        read(**settings)
    assert told in str(raised.value)


def test_every_key_can_be_said_in_all_ways() -> None:
    assert len({key.name for key in KEYS}) == len(KEYS)
    assert [key.name for key in KEYS if not key.ini] == [
        "history", "smtp_server", "smtp_security", "smtp_user", "mail_from"]
