from __future__ import annotations

import base64
import datetime
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from provisioner.remote.survey import accounts, packages, ports
from provisioner.remote.survey.certificates import certificate_ends, host_certificate_ends
from provisioner.remote.survey.found import Unreadable, content, found, short, statements
from provisioner.testing.inprocess import run_module


def certificate(ends: datetime.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
            .not_valid_after(ends).sign(key, hashes.SHA256()))  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("year", [2027, 2051])  # from 2050 on the time has another form
def test_the_end_of_a_certificate(year: int) -> None:
    ends = datetime.datetime(year, 3, 1, 12, tzinfo=datetime.UTC)
    assert certificate_ends(b"comment\n" + certificate(ends)) == int(ends.timestamp())


@pytest.mark.parametrize("data", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                                  b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"])  # fmt: skip
def test_what_is_no_certificate_has_no_end(data: bytes) -> None:
    assert certificate_ends(data) is None
    whole = certificate(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)).splitlines()
    assert certificate_ends(b"\n".join([*whole[:2], whole[-1]])) is None


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())])
def test_the_end_of_a_certificate_of_a_host(key: Any) -> None:
    made = (serialization.SSHCertificateBuilder().public_key(key.public_key()).serial(7).key_id(b"web-1")
            .type(serialization.SSHCertificateType.HOST).valid_principals([b"web-1", b"192.0.2.1"])
            .valid_after(1).valid_before(4711).sign(key))  # fmt: skip
    assert host_certificate_ends(made.public_bytes().decode()) == 4711


@pytest.mark.parametrize("line", ["", "ssh-ed25519 AAAA x", "ssh-ed25519-cert-v01@openssh.com ?",
                                  "ssh-ed25519-cert-v01@openssh.com " + base64.b64encode(
                                      struct.pack(">I", 1 << 30)).decode()])  # fmt: skip
def test_what_is_no_certificate_of_a_host_has_no_end(line: str) -> None:
    assert host_certificate_ends(line) is None


def test_a_key_is_told_by_its_fingerprint_its_comment_and_its_options() -> None:
    line = 'command="/bin/x y",no-pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEVWRQ== eve at home'
    told = accounts._described(line)
    assert told.startswith("ssh-ed25519 SHA256:")
    assert told.endswith(' eve at home (command="/bin/x y",no-pty)')
    assert accounts._described("garbage") == "not a key: garbage"


@pytest.mark.parametrize(("pattern", "path"), [
    (".ssh/authorized_keys", "/home/ada/.ssh/authorized_keys"), ("/etc/ssh/keys/%u", "/etc/ssh/keys/ada"),
    ("%h/x%%", "/home/ada/x%"), ("none", None)])  # fmt: skip
def test_keys_are_where_sshd_looks(pattern: str, path: str | None) -> None:
    assert accounts._place(pattern, "ada", "/home/ada/") == path


@pytest.mark.parametrize(("address", "is_loopback"), [
    ("0100007F", True), ("00000000", False), ("0B00A8C0", False), ("0" * 24 + "01000000", True), ("0" * 32, False),
    ("0000000000000000FFFF00000100007F", True), ("000080FE00000000FF005450DDEE217F", False)])  # fmt: skip
def test_what_only_the_host_itself_reaches_is_no_port(address: str, *, is_loopback: bool) -> None:
    assert ports._Socket(80, address, "1").is_loopback is is_loopback


def test_dependencies_are_told_from_what_was_asked_for() -> None:
    states = "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nAuto-Installed: 0\n"
    assert packages._automatic(states) == {"a"}


def test_updates_of_safety_are_told_by_where_they_come_from() -> None:
    said = ("Inst libc6 [2.36-9] (2.36-10 Debian-Security:12/stable-security [amd64]) []\n"
            "Inst curl [7.88] (7.89 Debian:12.8/stable [amd64])\nConf libc6 (2.36-9 Debian:12 [amd64])\n")  # fmt: skip
    assert [(name, "security" in origin.lower()) for name, _, origin in packages._UPGRADE.findall(said)] == [
        ("libc6", True), ("curl", False)]  # fmt: skip


def test_updates_of_safety_are_those_that_a_list_of_such_has_newer(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "status").write_text("".join(
        f"Package: {name}\nStatus: install ok {state}\nVersion: 1.9\n\n" for name, state in (
            ("old", "installed"), ("new", "installed"), ("gone", "config-files"))))  # fmt: skip
    lists = tmp_path / "lists"
    lists.mkdir()
    offers = "Package: old\nVersion: 1.10\n\nPackage: new\nVersion: 1.9~rc1\n\nPackage: gone\nVersion: 2\n\n"
    (lists / "x_dists_stable-security_Packages").write_text(offers)
    (lists / "x_dists_stable_Packages").write_text("Package: new\nVersion: 3\n")
    monkeypatch.setattr(packages, "STATUS", str(tmp_path / "status"))
    monkeypatch.setattr(packages, "_LISTS", str(lists))
    survey = run_module("host_survey", {"watches": {"security_updates": {}}})["survey"]
    assert survey["security_updates"]["items"] == {"old": ["1.10"]}


@pytest.mark.parametrize(("state", "is_there"), [
    ("installed", True), ("half-configured", True), ("unpacked", True), ("triggers-awaited", True),
    ("config-files", False), ("not-installed", False)])  # fmt: skip
def test_a_package_that_is_being_upgraded_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, *,
                                                   is_there: bool) -> None:  # fmt: skip
    (tmp_path / "status").write_text(f"Package: x\nStatus: install ok {state}\nVersion: 1\n\n")
    monkeypatch.setattr(packages, "STATUS", str(tmp_path / "status"))
    items = run_module("host_survey", {"watches": {"packages": {}}})["survey"]["packages"]["items"]
    assert ("x" in items) is is_there


def test_files_are_those_that_no_package_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "info"
    info.mkdir()
    for name in ("own", "stray"):
        (tmp_path / "conf.d" / "sub").mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf.d" / "sub" / name).touch()
    (tmp_path / "conf.d" / "link").symlink_to("/dev/null")
    (info / "package.list").write_text(f"/.\n{tmp_path}/conf.d/sub/own\n")
    monkeypatch.setattr(packages, "_OWNED", str(info))
    answer = run_module("host_survey", {"watches": {"files": {"in": [str(tmp_path / "conf.d")]}}})["survey"]["files"]
    assert answer["items"] == {f"{tmp_path}/conf.d/link": ["link to /dev/null"],
                               f"{tmp_path}/conf.d/sub/stray": ["file"]}  # fmt: skip


def test_a_watch_that_cannot_tell_keeps_no_other_from_telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "STATUS", str(tmp_path / "none"))
    survey = run_module("host_survey", {"watches": {"packages": {}, "users": {}}}, check=True)["survey"]
    assert "dpkg" in survey["packages"]["unknown"]
    assert "root" in survey["users"]["items"]


def test_files_that_would_hang_or_fill_the_memory_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert content(str(tmp_path / "pipe")) == b""
    assert content(str(tmp_path / "none")) == b""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(33 << 20)
    with pytest.raises(Unreadable, match="larger"):
        content(str(tmp_path / "huge"))


def test_long_lines_stay_different_and_too_many_items_are_refused() -> None:
    one, two = short("x" * 1000 + "a"), short("x" * 1000 + "b")
    assert one != two
    assert len(one) < 450
    with pytest.raises(Unreadable, match="more than"):
        found({str(number): [] for number in range(20001)})


def test_statements_are_lines_without_comments_and_with_blanks_made_one() -> None:
    assert statements("# x\n\na   b\\\n  c\n#includedir /etc/x\n") == ["a b c", "#includedir /etc/x"]
