"""Files and values go back and forth between `provision vault` and the real `ansible-vault`.

Slow, and installs ansible-core into the user's cache: `scripts/test -m slow tests/vault`. What ansible-vault wrote is
also among the fixed texts of `vault_vectors`, which the quick tests read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from vault_vectors import BYTES, DEV_PASSWORD, PASSWORD, PLAIN

from benchmarks.tools import ANSIBLE, installed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONTENTS = {"text": PLAIN.encode(), "bytes": BYTES, "nothing": b"", "16 bytes": b"x" * 16, "large": BYTES * 20_000}
OPTIONS = {"1.1": ["--vault-password-file", "pw"], "1.2": ["--vault-id", "dev@dev"],
           "program": ["--vault-id", "dev@keys-client.sh"]}


@pytest.fixture(scope="module")
def programs() -> dict[str, list[str]]:
    return {"ansible": [str(installed(ANSIBLE) / "ansible-vault")],
            "provision": [sys.executable, "-m", "provisioner", "vault"]}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    Path("pw").write_text(PASSWORD)
    Path("dev").write_text(DEV_PASSWORD)
    Path("keys-client.sh").write_text('#!/bin/sh\n[ "$2" = dev ] || exit 2\ncat dev\n')
    Path("keys-client.sh").chmod(0o700)


def run(command: list[str], *arguments: str, given: bytes | None = None) -> bytes:
    done = subprocess.run([*command, *arguments], input=given, capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize(("one", "other"), [("ansible", "provision"), ("provision", "ansible")])
def test_what_one_encrypts_the_other_decrypts(one: str, other: str, content: bytes, options: list[str],
                                              programs: dict[str, list[str]]) -> None:
    Path("f").write_bytes(content)
    run(programs[one], "encrypt", *options, "f")
    assert Path("f").read_bytes().startswith(b"$ANSIBLE_VAULT;1.")
    run(programs[other], "decrypt", *options, "f")
    assert Path("f").read_bytes() == content


@pytest.mark.parametrize(("one", "other"), [("ansible", "provision"), ("provision", "ansible")])
def test_what_one_rekeys_the_other_views(one: str, other: str, programs: dict[str, list[str]]) -> None:
    Path("f").write_text(PLAIN)
    run(programs[other], "encrypt", *OPTIONS["1.1"], "f")
    run(programs[one], "rekey", *OPTIONS["1.1"], "--new-vault-id", "dev@dev", "f")
    assert run(programs[other], "view", *OPTIONS["1.2"], "f").decode().strip() == PLAIN.strip()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_values_are_written_in_the_same_form(options: list[str], programs: dict[str, list[str]]) -> None:
    texts = [run(command, "encrypt_string", *options, "s3cret", "--name", "password").decode()
             for command in programs.values()]
    heads = [text.splitlines()[:2] for text in texts]
    assert heads[0] == heads[1]
    assert [len(line) for line in texts[0].splitlines()] == [len(line) for line in texts[1].splitlines()]


def test_a_playbook_of_ours_runs_there(programs: dict[str, list[str]]) -> None:
    value = run(programs["provision"], "encrypt-string", *OPTIONS["1.2"], "inline", "--name", "value").decode()
    Path("vars.yml").write_text("whole: file\n")
    run(programs["provision"], "encrypt", *OPTIONS["1.1"], "vars.yml")
    Path("site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  vars_files: [vars.yml, value.yml]\n"
                                "  tasks:\n    - assert: {that: [whole == 'file', value == 'inline']}\n")
    Path("value.yml").write_text(value)
    playbook = str(Path(programs["ansible"][0]).with_name("ansible-playbook"))
    for command in ([playbook], [sys.executable, "-m", "provisioner", "apply"]):
        run(command, *OPTIONS["1.1"], *OPTIONS["1.2"], "site.yml")
