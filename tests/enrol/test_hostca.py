from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.diag import VaultError
from provisioner.enrol.hostca import DAY, VALID, CAPlace, HostCA, HostCAError, expiry, host_ca
from provisioner.vault.keyring import Keyring, Password

NOW = 1_800_000_000.0
KEYRING = Keyring([Password("default", b"correct horse")])


@pytest.fixture
def place(tmp_path: Path) -> CAPlace:
    (tmp_path / "inventory").mkdir()
    return CAPlace("shop", tmp_path / "state", tmp_path / "inventory", KEYRING)


def made(place: CAPlace) -> tuple[HostCA, str]:
    said: list[str] = []
    return host_ca(place, said.append), " ".join(said)


def test_it_is_made_once_and_lies_encrypted_beside_the_inventory(place: CAPlace, tmp_path: Path) -> None:
    first, said = made(place)
    sealed = tmp_path / "inventory/shop.host-ca"
    assert "encrypted by the vault" in said
    assert sealed.read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256")
    assert (tmp_path / "inventory/shop.host-ca.pub").read_text().startswith(first.public)
    assert not (tmp_path / "state").exists()
    again, said = made(place)
    assert (again.public, said) == (first.public, "")


def test_another_controller_opens_it_with_the_same_password(place: CAPlace, tmp_path: Path) -> None:
    first, _ = made(place)
    other = replace(place, state=tmp_path / "elsewhere", keyring=Keyring([Password("default", b"correct horse")]))
    assert made(other)[0].public == first.public


@pytest.mark.parametrize("keyring", [None, Keyring(), Keyring([Password("default", b"wrong")])])
def test_without_the_password_it_is_not_opened_and_no_second_one_is_made(place: CAPlace, keyring: Keyring) -> None:
    made(place)
    with pytest.raises(VaultError):
        made(replace(place, keyring=keyring))


def test_without_a_vault_it_lies_in_the_state_directory_for_its_owner_only(place: CAPlace, tmp_path: Path) -> None:
    bare = replace(place, keyring=None)
    first, said = made(bare)
    file = tmp_path / "state/host-ca"
    assert "NOT encrypted" in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list((tmp_path / "inventory").iterdir())
    again, said = made(bare)
    assert (again.public, said) == (first.public, "")


def test_it_moves_into_the_vault_when_there_is_one(place: CAPlace, tmp_path: Path) -> None:
    first, _ = made(replace(place, keyring=None))
    second, said = made(place)
    assert second.public == first.public
    assert "encrypted by the vault now" in said
    assert not list((tmp_path / "state").iterdir())


def test_a_public_half_alone_is_an_error_and_not_a_reason_for_a_new_ca(place: CAPlace, tmp_path: Path) -> None:
    made(place)
    (tmp_path / "inventory/shop.host-ca").unlink()
    with pytest.raises(HostCAError, match="private half"):
        made(place)


def test_it_never_shows_its_private_half(place: CAPlace) -> None:
    found, _ = made(place)
    assert "PRIVATE" not in repr(found)
    assert "correct horse" not in repr(place)


def test_ssh_keygen_understands_its_certificates(place: CAPlace, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    found, _ = made(place)
    certificate = found.sign((tmp_path / "key.pub").read_text(), ("i-0abc", "web-1"), NOW, "shop/web-1 i-0abc")
    (tmp_path / "key-cert.pub").write_text(certificate + "\n")
    shown = subprocess.run(["ssh-keygen", "-L", "-f", tmp_path / "key-cert.pub"], check=True, capture_output=True,
                           text=True, env={"TZ": "UTC"}).stdout
    assert "ssh-ed25519-cert-v01@openssh.com host certificate" in shown
    assert 'Key ID: "shop/web-1 i-0abc"' in shown
    assert "i-0abc\n                web-1" in shown
    assert "from 2027-01-15T07:55:00 to 2028-01-14T08:00:00" in shown
    assert expiry(certificate) == NOW + VALID == NOW + 364 * DAY


def test_only_keys_of_ed25519_are_signed(place: CAPlace, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "key"], check=True)
    with pytest.raises(HostCAError):
        made(place)[0].sign((tmp_path / "key.pub").read_text(), ("web",), NOW)


def test_it_decides_about_a_host_by_a_line_of_known_hosts(place: CAPlace) -> None:
    found, _ = made(place)
    assert found.line("i-0abc") == f"@cert-authority i-0abc {found.public}"
