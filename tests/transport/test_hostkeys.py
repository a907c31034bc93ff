from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import HostKeyRejected
from provisioner.transport.hostkeys import HostIdentity, Verifier, preferred_algorithms
from provisioner.transport.knownhosts import HostKey, KnownHosts


def key(kind: str = "ssh-ed25519", filler: bytes = b"\x01") -> HostKey:
    name = kind.encode()
    return HostKey(kind, len(name).to_bytes(4, "big") + name + b"\x00\x00\x00\x20" + filler * 32)


FIRST, SECOND, RSA = key(), key(filler=b"\x02"), key("ssh-rsa", b"\x03")


def known(text: str, tmp_path: Path) -> KnownHosts:
    file = tmp_path / "known_hosts"
    file.write_text(text)
    return KnownHosts.read([str(file)])


def verify(text: str, offered: HostKey, tmp_path: Path, identity: HostIdentity | None = None,
           policy: str = "strict") -> None:
    found = known(text, tmp_path)
    Verifier(found, identity or HostIdentity("web"), policy, found.files[0]).verify(offered)


def test_the_right_key_is_accepted(tmp_path: Path) -> None:
    verify(f"web {SECOND.line}\nweb {FIRST.line}\n", FIRST, tmp_path)


def test_a_key_known_without_the_port_is_good_for_every_port(tmp_path: Path) -> None:
    verify(f"web {FIRST.line}\n", FIRST, tmp_path, HostIdentity("web", 2222))


def test_an_alias_is_looked_up_instead_of_name_and_port(tmp_path: Path) -> None:
    verify(f"the-web {FIRST.line}\n", FIRST, tmp_path, HostIdentity("10.0.0.1", 2222, "the-web"))


def test_h19_an_unknown_key_is_refused_with_fingerprint_files_and_what_mends_it(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected) as caught:
        verify(f"db {FIRST.line}\n", FIRST, tmp_path, HostIdentity("web", 2222))
    assert FIRST.fingerprint in caught.value.message
    assert f"{tmp_path}/known_hosts" in caught.value.message
    assert f"ssh-keyscan -t ed25519 -p 2222 web >> {tmp_path}/known_hosts" in caught.value.hint


def test_h19_a_file_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="nowhere \\(not there\\)"):
        Verifier(KnownHosts.read([str(tmp_path / "nowhere")]), HostIdentity("web")).verify(FIRST)


def test_h19_a_changed_key_is_refused_with_both_fingerprints_and_the_line_that_removes_it(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="has changed") as caught:
        verify(f"web {FIRST.line}\n", SECOND, tmp_path)
    assert FIRST.fingerprint in caught.value.message
    assert SECOND.fingerprint in caught.value.message
    assert f"ssh-keygen -R 'web' -f {tmp_path}/known_hosts" in caught.value.hint


def test_h19_a_changed_key_is_refused_also_when_new_keys_are_accepted(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="has changed"):
        verify(f"web {FIRST.line}\n", SECOND, tmp_path, policy="accept-new")


def test_h19_a_key_of_another_type_than_the_known_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="type that is not known"):
        verify(f"web {FIRST.line}\n", RSA, tmp_path)


@pytest.mark.parametrize("policy", ["strict", "accept-new"])
def test_h19_a_revoked_key_is_refused_even_if_another_line_allows_it(tmp_path: Path, policy: str) -> None:
    with pytest.raises(HostKeyRejected, match="@revoked"):
        verify(f"web {FIRST.line}\n@revoked * {FIRST.line}\n", FIRST, tmp_path, policy=policy)


def test_h19_a_key_without_a_certificate_is_refused_where_an_authority_is_known(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRejected, match="shows no certificate"):
        verify(f"@cert-authority * {RSA.line}\n", FIRST, tmp_path, policy="accept-new")


def test_a_plain_line_beside_an_authority_is_enough(tmp_path: Path) -> None:
    verify(f"@cert-authority * {RSA.line}\nweb {FIRST.line}\n", FIRST, tmp_path)


def test_accept_new_stores_an_unknown_key_and_knows_it_from_then_on(tmp_path: Path) -> None:
    verify("# no newline at the end", FIRST, tmp_path, policy="accept-new")
    file = tmp_path / "known_hosts"
    assert file.read_text() == f"# no newline at the end\nweb {FIRST.line}\n"
    verify(file.read_text(), FIRST, tmp_path)


def test_accept_new_makes_a_private_file_and_can_hash_the_name(tmp_path: Path) -> None:
    store = tmp_path / "ssh" / "known_hosts"
    Verifier(KnownHosts.read([str(store)]), HostIdentity("web"), "accept-new", str(store), True).verify(FIRST)
    assert store.stat().st_mode & 0o777 == 0o600
    assert store.parent.stat().st_mode & 0o777 == 0o700
    assert store.read_text().startswith("|1|")
    assert KnownHosts.read([str(store)]).lookup("web")[0].key == FIRST


def test_algorithms_of_known_keys_are_asked_for_first(tmp_path: Path) -> None:
    supported = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"]
    found = known(f"web {RSA.line}\n@revoked web {FIRST.line}\n", tmp_path)
    assert preferred_algorithms(found, HostIdentity("web"), supported) == [
        "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256"]  # fmt: skip
