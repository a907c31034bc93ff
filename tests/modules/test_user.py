"""`user` on a real host: what conformance cannot see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.lab import LabHost
from provisioner.testing.pipes import PipeRunner

HASH = "$6$saltsalt$" + "canary" * 14 + "ab"
SPIED = ("useradd", "usermod", "chpasswd", "chage", "ssh-keygen", "setpriv")
SPY = r"""
mkdir -p /opt/spy
for name in {names}; do
    echo '#!/bin/sh
(echo "$0" "$@"; tr "\0" "\n" < /proc/$$/environ) >> /opt/spy/log' > /opt/spy/$name
    echo "exec $(command -v $name) \"\$@\"" >> /opt/spy/$name
    chmod 755 /opt/spy/$name
done
"""


@pytest.fixture(scope="module")
def runner(shared_lab_host: LabHost) -> Iterator[PipeRunner]:
    shared_lab_host.run(["sh", "-c", SPY.format(names=" ".join(SPIED))])
    prefix = ["nsenter", "-t", str(shared_lab_host.leader_pid), "-a", "--"]
    with PipeRunner(
        python="python3", prefix=prefix, environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    ) as session:
        yield session


def test_s4_no_secret_is_in_arguments_or_environment_of_a_process(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    args = {
        "name": "keeper",
        "password": HASH,
        "password_lock": True,
        "password_expire_max": 90,
        "generate_ssh_key": True,
        "ssh_key_type": "ed25519",
        "ssh_key_passphrase": "canary passphrase",
    }
    result = runner.call("user", args, env={"PATH": "/opt/spy:/usr/sbin:/usr/bin:/sbin:/bin"}, diff=True)
    assert result["changed"], result
    log = shared_lab_host.run(["cat", "/opt/spy/log"]).stdout
    assert all(f"/opt/spy/{name} " in log for name in SPIED), log
    assert "canary" not in log
    assert "canary" not in str(result)
    shadow = shared_lab_host.run(["cat", "/etc/shadow"]).stdout
    assert f"keeper:!{HASH}:" in shadow


def test_a_key_has_its_passphrase_and_belongs_to_the_user(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    runner.call(
        "user",
        {"name": "holder", "generate_ssh_key": True, "ssh_key_type": "ed25519", "ssh_key_passphrase": "open sesame"},
    )
    key = "/home/holder/.ssh/id_ed25519"
    listed = shared_lab_host.run(["stat", "-c", "%U:%G %a", "/home/holder/.ssh", key, key + ".pub"]).stdout.splitlines()
    assert listed == ["holder:holder 700", "holder:holder 600", "holder:holder 644"]
    assert shared_lab_host.run(["ssh-keygen", "-y", "-P", "open sesame", "-f", key]).stdout.startswith("ssh-ed25519 ")
    assert shared_lab_host.run(["ssh-keygen", "-y", "-P", "", "-f", key], check=False).returncode != 0
    assert shared_lab_host.run(["sh", "-c", "ls -d /tmp/provision-* 2>/dev/null || true"]).stdout == ""


def test_f7_a_link_in_the_home_leads_nowhere_as_root(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    runner.call("user", {"name": "mallory"})
    shared_lab_host.run(
        [
            "sh",
            "-c",
            "mkdir -p /opt/roots; chmod 700 /opt/roots; ln -sfn /opt/roots /home/mallory/.ssh; "
            "chown -h mallory: /home/mallory/.ssh",
        ]
    )
    result = runner.call("user", {"name": "mallory", "generate_ssh_key": True, "ssh_key_type": "ed25519"})
    assert result["failed"]
    assert shared_lab_host.run(["ls", "-A", "/opt/roots"]).stdout == ""


def test_a_home_made_later_has_the_skeleton(shared_lab_host: LabHost, runner: PipeRunner) -> None:
    runner.call("user", {"name": "late", "create_home": False})
    assert runner.call("user", {"name": "late", "umask": "027"})["changed"]
    listed = shared_lab_host.run(["stat", "-c", "%n %U %a", "/home/late", "/home/late/.profile"]).stdout.splitlines()
    assert listed == ["/home/late late 750", "/home/late/.profile late 644"]


def test_check_mode_foresees_users_of_groups_and_users_to_come(runner: PipeRunner) -> None:
    predicted = {"group": {"soon": {"kind": "present", "gid": None}}}
    first = runner.call("user", {"name": "coming", "group": "soon", "groups": ["adm"]}, check=True, predicted=predicted)
    assert first["changed"]
    kinds = {(kind, name): attributes for kind, name, attributes in first["predictions"]}
    assert kinds["user", "coming"]["group"] == "soon"
    assert kinds["path", "/home/coming"]["kind"] == "directory"
    known = {kind: {name: attributes} for (kind, name), attributes in kinds.items() if kind != "path"}
    again = runner.call("user", {"name": "coming", "groups": ["adm"], "append": True}, check=True, predicted=known)
    assert again["changed"] is False
    more = runner.call("user", {"name": "coming", "groups": ["users"], "append": True}, check=True, predicted=known)
    assert more["changed"]
    gone = runner.call("user", {"name": "coming", "state": "absent"}, check=True, predicted=known)
    assert gone["changed"]
