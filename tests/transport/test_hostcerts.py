from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_public_key,
)

from provisioner.diag import HostKeyRejected
from provisioner.messages import SegmentEnded
from provisioner.transport.hostcerts import refusal
from provisioner.transport.hostkeys import HostIdentity, Verifier, preferred_algorithms
from provisioner.transport.knownhosts import HostKey, KnownHosts, parse

NOW = time.time()
WEEK = 7 * 24 * 3600.0
OFTEN = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"]


def key_of(public: Any) -> HostKey:
    return key_in(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def key_in(line: str) -> HostKey:
    return parse(f"x {line}", "test")[0].key


def blob_of(certificate: str) -> bytes:
    return parse(f"x {certificate}", "test")[0].key.blob


@dataclass
class Authority:
    """A certificate authority of a test."""

    private: Any = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> HostKey:
        return key_of(self.private.public_key())

    def sign(self, public: Any, *principals: str, kind: SSHCertificateType = SSHCertificateType.HOST,
             since: float = NOW - WEEK, until: float = NOW + WEEK, option: bytes = b"") -> str:
        builder = (SSHCertificateBuilder().public_key(public).type(kind).serial(1).key_id(b"test")
                   .valid_principals([name.encode() for name in principals])
                   .valid_after(int(since)).valid_before(int(until)))
        if option:
            builder = builder.add_critical_option(option, b"")
        return builder.sign(self.private).public_bytes().decode()


HOST, CA, OTHER = Ed25519PrivateKey.generate().public_key(), Authority(), Authority()


def refused(certificate: str, name: str = "web", *, revoked: tuple[HostKey, ...] = (), now: float = NOW) -> str | None:
    found = refusal(blob_of(certificate), name, [CA.key], revoked, now)
    return found.reason if found else None


def test_a_certificate_of_the_authority_for_the_host_holds() -> None:
    assert refused(CA.sign(HOST, "web", "web-1")) is None
    assert refused(CA.sign(HOST, "web", "web-1"), "web-1") is None


def test_a_principal_may_be_a_pattern_and_is_not_told_apart_by_case() -> None:
    assert refused(CA.sign(HOST, "*.Example.com"), "www.example.com") is None


@pytest.mark.parametrize(("certificate", "reason"), [
    (OTHER.sign(HOST, "web"), "is signed by ED25519 SHA256:"),
    (CA.sign(HOST, "db", "cache"), "is for db, cache, not for web"),
    (CA.sign(HOST, "web", kind=SSHCertificateType.USER), "is one for users"),
    (CA.sign(HOST, "web", until=NOW - 1), "has expired on 20"),
    (CA.sign(HOST, "web", since=NOW + WEEK / 2), "holds from 20"),
    (CA.sign(HOST, "web", option=b"force-command"), "critical options that are not understood: force-command"),
], ids=["authority", "principal", "user", "expired", "early", "option"])
def test_any_other_is_refused_with_the_reason(certificate: str, reason: str) -> None:
    assert reason in (refused(certificate) or "")


def test_a_certificate_that_was_changed_is_refused() -> None:
    blob = bytearray(blob_of(CA.sign(HOST, "db")))
    at = blob.index(b"\0\0\0\x02db")
    blob[at + 4:at + 6] = b"wb"
    found = refusal(bytes(blob), "wb", [CA.key], (), NOW)
    assert found is not None
    assert found.reason == "has a signature that is wrong"


@pytest.mark.parametrize("cut", [0, 3, 40, -1])
def test_a_certificate_that_is_cut_is_refused(cut: int) -> None:
    found = refusal(blob_of(CA.sign(HOST, "web"))[:cut], "web", [CA.key], (), NOW)
    assert found is not None
    assert found.reason == "cannot be read"


def test_an_authority_that_was_revoked_proves_nothing() -> None:
    assert "marked @revoked" in (refused(CA.sign(HOST, "web"), revoked=(CA.key,)) or "")


def test_a_certificate_of_an_rsa_authority_must_not_be_signed_with_sha1(tmp_path: Path) -> None:
    for name, kind in (("ca", "rsa"), ("host", "ed25519")):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / name], check=True)
    authority = key_in((tmp_path / "ca.pub").read_text())
    reasons = []
    for algorithm in ("rsa-sha2-512", "ssh-rsa"):
        subprocess.run(["ssh-keygen", "-q", "-s", tmp_path / "ca", "-h", "-I", "x", "-n", "web", "-t", algorithm,
                        tmp_path / "host.pub"], check=True)
        found = refusal(blob_of((tmp_path / "host-cert.pub").read_text()), "web", [authority], (), NOW)
        reasons.append(found and found.reason)
    assert reasons == [None, "is signed with SHA-1"]


# -- what the verifier makes of it ----------------------------------------------------------------------------------


def verify(text: str, certificate: str | None, tmp_path: Path, identity: HostIdentity | None = None) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(text)
    verifier = Verifier(KnownHosts.read([str(file)]), identity or HostIdentity("web"), now=lambda: NOW)
    verifier.verify(key_of(HOST), blob_of(certificate) if certificate else None)


def test_a_host_is_proven_by_a_certificate_under_its_alias_and_whatever_its_port(tmp_path: Path) -> None:
    line = f"@cert-authority i-* {CA.key.line}\n@cert-authority web {CA.key.line}\n"
    verify(line, CA.sign(HOST, "i-1"), tmp_path, HostIdentity("192.0.2.1", 22, "i-1"))
    verify(line, CA.sign(HOST, "web"), tmp_path, HostIdentity("web", 2222))


def test_a_refusal_names_the_line_of_the_authority_and_that_nothing_was_sent(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match=r"is signed by .*known_hosts:1.*Nothing was sent"):
        verify(f"@cert-authority web {CA.key.line}\n", OTHER.sign(HOST, "web"), tmp_path)


def test_a_bare_key_is_refused_where_an_authority_is_known(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="shows no certificate"):
        verify(f"@cert-authority web {CA.key.line}\n", None, tmp_path)


def test_a_key_that_is_known_itself_needs_no_certificate_that_holds(tmp_path: Path) -> None:
    verify(f"@cert-authority web {CA.key.line}\nweb {key_of(HOST).line}\n", CA.sign(HOST, "db"), tmp_path)


def test_a_revoked_key_is_refused_with_the_best_certificate(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="@revoked"):
        verify(f"@cert-authority web {CA.key.line}\n@revoked * {key_of(HOST).line}\n", CA.sign(HOST, "web"), tmp_path)


def test_certificates_are_asked_for_first_where_an_authority_is_known_and_else_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"@cert-authority web {CA.key.line}\ndb {CA.key.line}\n")
    known = KnownHosts.read([str(file)])
    asked = preferred_algorithms(known, HostIdentity("web"), OFTEN)
    assert asked == [f"{name}-cert-v01@openssh.com" for name in OFTEN] + OFTEN
    assert preferred_algorithms(known, HostIdentity("db"), OFTEN) == OFTEN


# -- a real sshd --------------------------------------------------------------------------------------------------


class Certified:
    """A lab host whose sshd shows a certificate of the test's choice."""

    def __init__(self, remote: Any, play: Any, directory: Path) -> None:
        self.remote, self.play, self.file = remote, play, directory / "known_hosts"

    def shows(self, *, key: str = "ed25519", authority: Authority = CA, principals: tuple[str, ...] = ("web-1",),
              **more: Any) -> None:
        line = self.remote.sh(f"cat /etc/ssh/ssh_host_{key}_key.pub")
        public = load_ssh_public_key(line.encode())
        certificate = authority.sign(public, *principals, **more)
        self.remote.sh(f"echo '{certificate}' > /etc/ssh/test-cert.pub")
        self.remote.sshd("HostCertificate /etc/ssh/test-cert.pub")

    def connect(self, known_hosts: str) -> str:
        """What was wrong; "" if nothing was."""
        self.file.write_text(known_hosts)
        target = self.remote.target(known_hosts=(str(self.file),), host_key_alias="web-1")
        end = self.play.ping(target)
        return "" if isinstance(end, SegmentEnded) else end.message


TRUST = f"@cert-authority web-1 {CA.key.line}\n"


@pytest.fixture
def certified(remote: Any, play: Any, tmp_path: Path) -> Iterator[Certified]:
    yield Certified(remote, play, tmp_path)
    remote.sshd()
    remote.sh("rm -f /etc/ssh/test-cert.pub")


@pytest.mark.parametrize("key", ["ed25519", "ecdsa"])
def test_a_real_host_is_proven_by_its_certificate_alone(certified: Certified, key: str) -> None:
    certified.shows(key=key)
    assert certified.connect(TRUST) == ""


@pytest.mark.parametrize(("more", "reason"), [
    ({"authority": OTHER}, "is signed by"),
    ({"principals": ("web-2",)}, "is for web-2, not for web-1"),
    ({"until": NOW - 60}, "has expired on"),
], ids=["authority", "principal", "expired"])
def test_a_real_host_with_another_certificate_is_refused_before_any_login(
        certified: Certified, more: dict[str, Any], reason: str) -> None:
    certified.shows(**more)
    logins = certified.remote.log().count("Accepted")
    assert reason in certified.connect(TRUST)
    assert certified.remote.log().count("Accepted") == logins


def test_a_real_host_without_a_certificate_is_refused(certified: Certified) -> None:
    assert "shows no certificate" in certified.connect(TRUST)


def test_a_certificate_for_users_is_refused_by_sshd_or_by_us(certified: Certified) -> None:
    certified.shows(kind=SSHCertificateType.USER)
    said = certified.connect(TRUST)
    assert "is one for users" in said or "shows no certificate" in said


def test_a_revoked_key_of_a_real_host_is_refused_though_its_certificate_is_good(certified: Certified) -> None:
    certified.shows()
    key = " ".join(certified.remote.sh("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
    assert "@revoked" in certified.connect(f"{TRUST}@revoked web-1 {key}\n")


def test_ecdsa_authorities_are_understood() -> None:
    authority = Authority(generate_private_key(SECP256R1()))
    certificate = authority.sign(HOST, "web")
    assert refusal(blob_of(certificate), "web", [authority.key], (), NOW) is None
