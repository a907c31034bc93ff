"""Mistakes of new users on a real host: each message says where, what and how to mend it, and the exit code fits.

Mistakes that need no host are in tests/cli/test_wrong_input.py.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from controller import command

from provisioner.lab import LabHost

TASKS = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Ping it
      ping:
"""
SLEEP = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Sleep a while
      command: sleep 2
    - name: Leave a mark
      file: {path: /tmp/marked, state: touch}
"""
OLD_PYTHON = r"""#!/bin/sh
exec /usr/bin/python3 -c '
import sys
sys.version_info = (3, 5)
exec(sys.argv[sys.argv.index("-c", 1) + 1])' "$@"
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """The host, and a directory to run `provision` in."""

    host: LabHost
    folder: Path

    def inventory(self, **variables: object) -> None:
        """The host as it really is, but for `variables`; None leaves one out."""
        given = {"ansible_host": self.host.address, "ansible_user": "root",
                 "ansible_ssh_private_key_file": self.host.key_file,
                 "ansible_ssh_known_hosts_file": self.host.known_hosts, **variables}
        words = " ".join(f"{name}={value}" for name, value in given.items() if value is not None)
        (self.folder / "hosts.ini").write_text(f"{self.host.name} {words}\n")

    def start(self, playbook: str, *options: str) -> subprocess.Popen[str]:
        (self.folder / "site.yml").write_text(playbook)
        line = command(self.folder, "apply", "-i", "hosts.ini", "site.yml", *options)
        # A shell gives its background jobs an ignored SIGINT, and everything below them; a terminal does not.
        return subprocess.Popen(line, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True,
                                preexec_fn=_hear_interrupts)  # noqa: PLW1509 - it takes no lock

    def apply(self, playbook: str = TASKS, *options: str) -> tuple[int, str]:
        running = self.start(playbook, *options)
        text = running.communicate(timeout=60)[0]
        return running.returncode, text


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def users(shared_lab_host: LabHost) -> LabHost:
    """bob may use sudo with his password, eve may not."""
    for name in ("bob", "eve"):
        shared_lab_host.run(["sh", "-c", f"useradd -m -s /bin/sh {name} && echo {name}:secret | chpasswd && "
                                         f"cp -r /root/.ssh /home/{name}/.ssh && chown -R {name} /home/{name}/.ssh"])
    shared_lab_host.run(["sh", "-c", "echo 'bob ALL=(ALL) ALL' > /etc/sudoers.d/bob"])
    return shared_lab_host


@pytest.fixture
def bench(users: LabHost, tmp_path: Path) -> Bench:
    made = Bench(users, tmp_path)
    made.inventory()
    return made


def new_key(folder: Path, passphrase: str = "") -> Path:
    path = folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
    return path


def assert_told(said: tuple[int, str], code: int, words: Sequence[str]) -> None:
    """All of the words, the exit code, and never a traceback."""
    assert [word for word in words if word not in said[1]] == [], said[1]
    assert said[0] == code, said[1]
    assert "Traceback" not in said[1]


@pytest.mark.parametrize(("variables", "words"), [
    ({"ansible_port": 2}, ["refuses connections on port 2", "is sshd running there"]),
    ({"ansible_host": "nosuch.invalid"}, ["nosuch.invalid cannot be resolved", "check the spelling"]),
    ({"ansible_user": "stranger"}, ["does not let stranger in", "check the user (`-u`)"]),
    ({"ansible_ssh_private_key_file": "nope"}, ["key file nope is not there", "`--private-key`"]),
    ({"ansible_ssh_private_key_file": None, "ansible_password": "wrong", "ansible_user": "bob"},
     ["does not let bob in: tried", "the password"]),
], ids=["port", "name", "user", "key-file", "password"])
def test_a_host_that_cannot_be_reached(bench: Bench, variables: dict[str, object], words: list[str]) -> None:
    bench.inventory(**variables)
    assert_told(bench.apply(), 4, [f"fatal: [{bench.host.name}]: UNREACHABLE!", *words, "Origin: site.yml:5"])


def test_an_unknown_host_key_is_shown_with_the_line_that_adds_it(bench: Bench) -> None:
    (bench.folder / "known").touch()
    bench.inventory(ansible_ssh_known_hosts_file="known")
    assert_told(bench.apply(), 4, ["is not known: it shows ED25519 SHA256:", "Nothing was sent to it",
                                   "compare the fingerprint", ">> known", "`--accept-new-host-keys`"])


def test_h19_a_changed_host_key_is_shown_with_both_fingerprints(bench: Bench) -> None:
    public = new_key(bench.folder).with_suffix(".pub").read_text().split()
    (bench.folder / "known").write_text(f"{bench.host.address} {public[0]} {public[1]}\n")
    bench.inventory(ansible_ssh_known_hosts_file="known")
    assert_told(bench.apply(), 4, ["has changed: it shows ED25519 SHA256:", "known is ED25519 SHA256:", "(known:1)",
                                   "somebody may be in between", "ssh-keygen -R"])


def test_keys_that_cannot_be_used(bench: Bench) -> None:
    locked = new_key(bench.folder, "passphrase")
    bench.inventory(ansible_ssh_private_key_file=locked)
    assert_told(bench.apply(), 4, ["is protected by a passphrase", f"`ssh-add {locked}`"])
    bench.inventory(ansible_ssh_private_key_file=f"{locked}.pub")
    assert_told(bench.apply(), 4, ["is a public key; name the private one"])


@pytest.mark.parametrize(("user", "password", "words"), [
    ("bob", "guessed", ["Cannot become root by sudo: the password is wrong", "give the right one with `-K`"]),
    ("bob", None, ["sudo wants a password and none was given", "give it with `-K`"]),
    ("eve", "secret", ["the user may not use sudo", "add the user to sudoers"]),
], ids=["wrong-password", "no-password", "not-in-sudoers"])
def test_h15_sudo_refuses(bench: Bench, user: str, password: str | None, words: list[str]) -> None:
    bench.inventory(ansible_user=user, ansible_become_password=password)
    assert_told(bench.apply(TASKS, "-b"), 2, [f"fatal: [{bench.host.name}]: FAILED!", *words, "Origin: site.yml:5"])


def test_h14_python_is_missing_old_or_broken(bench: Bench) -> None:
    hint = "install Python 3.9 or newer (`apt-get install python3`)"
    bench.inventory(ansible_python_interpreter="/usr/bin/python9")
    assert_told(bench.apply(), 2, ["No usable Python: /usr/bin/python9", "not found", hint])
    bench.host.run(["sh", "-c", "cat > /usr/local/bin/old && chmod +x /usr/local/bin/old"], stdin=OLD_PYTHON)
    bench.inventory(ansible_python_interpreter="/usr/local/bin/old")
    assert_told(bench.apply(), 2, ["No usable Python: /usr/local/bin/old", "it is 3.5", hint])
    bench.inventory()
    bench.host.run(["sh", "-c", "chmod 000 /usr/bin/python3.*"])
    try:
        assert_told(bench.apply(), 2, ["No usable Python: python3", "Permission denied", hint])
    finally:
        bench.host.run(["sh", "-c", "chmod 755 /usr/bin/python3.*"])


def test_h12_h13_no_room_and_no_right_to_write(bench: Bench) -> None:
    (bench.folder / "big").write_bytes(bytes(range(256)) * 8192)
    copy = """
- hosts: all
  gather_facts: false
  tasks:
    - copy: {src: big, dest: /mnt/big}
"""
    bench.host.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"])
    try:
        assert_told(bench.apply(copy), 2, ["No space left on device: /mnt/big", "make room there"])
        assert bench.host.run(["ls", "-A", "/mnt"]).stdout == ""
        bench.host.run(["mount", "-o", "remount,ro", "/mnt"])
        assert_told(bench.apply(copy), 2, ["Read-only file system: /mnt/big", "mounted read-only"])
    finally:
        bench.host.run(["umount", "/mnt"])
    bench.inventory(ansible_user="bob")
    assert_told(bench.apply(copy.replace("/mnt/big", "/etc/big")), 2, ["Permission denied: /etc/big", "`become: true`"])


@pytest.mark.parametrize(("times", "words", "absent"), [
    (1, ["what runs on hosts is left to end", "changed: [", "error: interrupted"], ["UNREACHABLE", "FAILED"]),
    (2, ["what runs on hosts is ended now", "stopped before it was done", "error: interrupted"], ["changed: ["]),
], ids=["once", "twice"])
def test_c11_ctrl_c_ends_the_run_and_leaves_the_host_clean(bench: Bench, times: int, words: list[str],
                                                           absent: list[str]) -> None:
    running = bench.start(SLEEP)
    sleeps = ["pgrep", "-x", "sleep"]
    deadline = time.monotonic() + 20
    while not bench.host.run(sleeps, check=False).stdout and time.monotonic() < deadline:
        time.sleep(0.1)
    for _ in range(times):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
    text = running.communicate(timeout=30)[0]
    assert_told((running.returncode, text), 99, words)
    assert [word for word in absent if word in text] == []
    assert bench.host.run([*sleeps[:2], "sleep|python3"], check=False).stdout == ""
    assert bench.host.run(["ls", "/tmp/marked"], check=False).returncode != 0
