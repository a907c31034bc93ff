from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provisioner.transport.knownhosts import HostKey, KnownHosts, KnownHostsReader, add, hashed, in_file, matches, parse


def key(kind: str = "ssh-ed25519", filler: bytes = b"\x01") -> HostKey:
    name = kind.encode()
    return HostKey(kind, len(name).to_bytes(4, "big") + name + b"\x00\x00\x00\x20" + filler * 32)


FIRST, SECOND, RSA = key(), key(filler=b"\x02"), key("ssh-rsa", b"\x03")


@pytest.mark.parametrize(("name", "names", "expected"), [
    ("web", "web", True),
    ("web", "WEB", True),
    ("web", "db,web,10.0.0.1", True),
    ("web", "webb", False),
    ("web.example.com", "*.example.com", True),
    ("example.com", "*.example.com", False),
    ("web1", "web?", True),
    ("web", "web?", False),
    ("web.example.com", "*.example.com,!web.example.com", False),
    ("web.example.com", "!web.example.com,*.example.com", False),
    ("db.example.com", "*.example.com,!web.example.com", True),
    ("db", "!web", False),
    ("[web]:2222", "[web]:2222", True),
    ("[web]:2222", "web", False),
    ("web", "[web]:2222", False),
    ("[web.example.com]:2222", "[*.example.com]:*", True),
    ("a" * 60, "*a" * 30 + "b", False),
    ("web", "|1|broken", False),
    ("web", "|1|!!!!|====", False),
    ("web", "", False),
])  # fmt: skip
def test_a_name_matches_the_host_part_as_sshd_8_says(name: str, names: str, expected: bool) -> None:
    assert matches(name, names) is expected


def test_a_hashed_name_matches_only_itself() -> None:
    assert matches("[web]:2222", hashed("[web]:2222"))
    assert not matches("web", hashed("[web]:2222"))


@pytest.mark.parametrize("line", [
    "", "# comment", "web", "web ssh-ed25519", "web ssh-ed25519 not-base64!", "@unknown web " + FIRST.line,
    "web ssh-rsa " + FIRST.line.split()[1], "web 2048 35 1234567", "@revoked", "web ssh-ed25519 AAAA",
])  # fmt: skip
def test_a_line_that_cannot_be_used_is_left_out(line: str) -> None:
    assert parse(line, "f") == []


def test_lines_are_read_whatever_their_blanks_and_endings() -> None:
    text = f"  web\t{FIRST.line}  comment here\r\n\n@revoked  web   {SECOND.line}\n@cert-authority *.x {RSA.line}"
    assert [(line.marker, line.names, line.key, line.number) for line in parse(text, "f")] == [
        ("", "web", FIRST, 1), ("revoked", "web", SECOND, 3), ("cert-authority", "*.x", RSA, 4)]  # fmt: skip


NAMES = st.text("abcx.-*?!", min_size=1, max_size=8)
HOSTS = st.text("abcx.-", min_size=1, max_size=8).filter(lambda name: not name.startswith("-"))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(host=HOSTS, lines=st.lists(st.lists(NAMES, min_size=1, max_size=4), min_size=1, max_size=5), port=st.booleans(),
       hashing=st.booleans())
@example("web", [["web", "!web"], ["*"]], False, False)
@example("web", [["!*"], ["w?b"]], True, False)
def test_the_lines_found_are_those_that_ssh_keygen_finds(host: str, lines: list[list[str]], port: bool,
                                                         hashing: bool) -> None:
    name = in_file(host, 2222 if port else 22)
    patterns = [[f"[{one}]:2222" if port else one for one in line] for line in lines]
    if hashing:
        patterns.append([hashed(name)])
    text = "".join(f"{','.join(line)} {FIRST.line}\n" for line in patterns)
    with tempfile.NamedTemporaryFile("w", suffix=".known_hosts") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(["ssh-keygen", "-F", name, "-f", file.name], capture_output=True, text=True, check=False)
        theirs = [int(row.split()[-1].removesuffix("\n")) for row in done.stdout.splitlines() if " found: line" in row]
        ours = [line.number for line in KnownHosts.read([file.name]).lookup(name)]
    assert ours == theirs


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    for line in parse(text, "f"):
        line.matches("web")


def test_the_fingerprint_is_the_one_ssh_keygen_shows(tmp_path: Path) -> None:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("ssh-keygen is not installed")
    subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "k")], check=True)
    shown = subprocess.run([program, "-lf", str(tmp_path / "k.pub")], check=True, capture_output=True, text=True).stdout
    kind, encoded = (tmp_path / "k.pub").read_text().split()[:2]
    made = HostKey(kind, base64.b64decode(encoded))
    assert made.fingerprint == shown.split()[1]
    assert shown.strip().endswith(f"({made.spoken})")


def test_a_file_is_read_anew_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"web {FIRST.line}\n")
    reader = KnownHostsReader()
    assert reader.read([str(file), str(tmp_path / "gone")]).lookup("web")[0].key == FIRST
    add(str(file), "db", SECOND)
    assert reader.read([str(file)]).lookup("db")[0].key == SECOND
    monkeypatch.setattr(KnownHosts, "read", None)
    assert len(reader.read([str(file)]).lines) == 2


def test_two_writers_never_mix_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    add(str(file), "a", FIRST)
    add(str(file), "b", SECOND)
    assert [line.names for line in parse(file.read_text(), "f")] == ["a", "b"]
