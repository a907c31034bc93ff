from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.baseline.key import NAME, share, site_key
from provisioner.diag import ProvisionError, UsageError, VaultError
from provisioner.history.baselines import key_in
from provisioner.vault.keyring import Keyring, Password

VAULT = Keyring([Password("default", b"open sesame")])


def test_without_a_shared_one_each_controller_has_its_own_key(tmp_path: Path) -> None:
    one, other = (site_key(tmp_path / name, [str(tmp_path)], VAULT) for name in ("a", "b"))
    assert one != other
    assert one == key_in(tmp_path / "a")


def test_controllers_that_can_open_it_share_the_key_beside_the_inventory(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.ini"
    file = share(tmp_path / "a", [str(hosts)], VAULT, None)
    assert file == tmp_path / NAME
    assert file.read_bytes().startswith(b"$ANSIBLE_VAULT;")
    assert site_key(tmp_path / "b", [str(hosts)], VAULT) == key_in(tmp_path / "a")


def test_a_shared_key_that_cannot_be_opened_is_never_passed_over(tmp_path: Path) -> None:
    share(tmp_path / "a", [str(tmp_path)], VAULT, None)
    with pytest.raises(VaultError):
        site_key(tmp_path / "b", [str(tmp_path)], Keyring())


def test_a_shared_key_is_not_replaced(tmp_path: Path) -> None:
    share(tmp_path / "a", [str(tmp_path)], VAULT, None)
    with pytest.raises(UsageError, match="is there already"):
        share(tmp_path / "b", [str(tmp_path)], VAULT, None)


def test_something_else_is_no_key(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(VAULT.encrypt(b"hello", VAULT.passwords[0]))
    with pytest.raises(ProvisionError, match="no site key"):
        site_key(tmp_path, [str(tmp_path)], VAULT)
