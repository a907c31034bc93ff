"""A key that may only check: what it is for works on a real host, and all else that it could be tried for does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from controller import differences, inventory, listing

from provisioner.lab import LabHost
from provisioner.messages import CallId, ModuleCall, Target
from provisioner.remote.checkonly import refusal, refused
from provisioner.schedule.checkkey import archive, public_of
from provisioner.transport.bundle import load_bundle
from provisioner.transport.pool import SessionPool
from provisioner.values import HostName
from tests.drift.hosts import apply, findings

SITE = """\
- name: Site
  hosts: all
  tasks:
    - name: Motd
      copy: {dest: /etc/motd, content: "Welcome\\n"}
    - name: SSH is on
      service: {name: ssh, enabled: true}
    - name: Coreutils
      apt: {name: coreutils}
    - name: By hand
      command: touch /root/by-hand
"""


@pytest.mark.parametrize(("module", "args"), [
    ("command", {"_raw_params": "id"}), ("shell", {}), ("script", {}), ("raw", {}), ("foreign_module", {}),
    ("git", {"repo": "ext::sh -c id"}), ("npm", {}), ("uri", {}), ("get_url", {}), ("unarchive", {}),
    ("nextjs_exec", {}), ("setup", {"fact_path": "/tmp"}), ("apt", {"name": "-oDir::Bin::methods=/tmp"}),
    ("apt", {"name": ["a", "-o=x"]}), ("apt", {"name": "a,-ox"}),
    ("apt", {"name": "a -ox"}), ("apt", {"name": [["-ox"]]}), ("apt", {"dpkg_options": "force-all"}),
    ("apt", {"deb": "/tmp/x.deb"}), ("package", {"use": "x"}), ("", {}),
])  # fmt: skip
def test_modules_that_could_start_something_are_not_run(module: str, args: dict[str, Any]) -> None:
    assert "may only check" in refusal(module, args)


@pytest.mark.parametrize(("header", "word"), [
    ({"module": "copy"}, "changes nothing"), ({"module": "copy", "check": 1}, "changes nothing"),
    ({"module": "copy", "check": True, "background": [1, "/tmp"]}, "no jobs"),
    ({"module": "copy", "check": True, "env": {"LD_PRELOAD": "/tmp/x"}}, "no variables"),
])  # fmt: skip
def test_only_plain_tasks_in_check_mode_are_taken(header: dict[str, Any], word: str) -> None:
    assert word in str(refused(header))
    assert refused({"module": "copy", "check": True, "args": {}}) is None


@pytest.mark.parametrize("name", ["nginx", ["g++", "libc6:amd64"], "a,b", "nginx=1.22.1-9", "nginx >= 1.2", "linux-*"])
def test_packages_called_by_their_names_are_looked_at(name: Any) -> None:
    assert refusal("apt", {"name": name, "state": "present"}) == ""


def test_the_runner_is_the_same_file_each_time() -> None:
    bundle = load_bundle()
    assert archive(bundle) == archive(bundle)


def provision(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "provisioner", *words], cwd=folder, text=True, capture_output=True,
                          check=False, env={**os.environ, "PROVISION_STATE_DIR": str(folder / "state"),
                                            "PROVISION_HISTORY": "on"})  # fmt: skip


def ssh(host: LabHost, key: Path, *words: str, program: str = "ssh",
        stdin: str = "") -> subprocess.CompletedProcess[str]:  # fmt: skip
    options = ["IdentitiesOnly=yes", f"UserKnownHostsFile={host.known_hosts}", "BatchMode=yes", "IdentityAgent=none"]
    command = [program, "-F", "none", "-i", str(key), *(word for each in options for word in ("-o", each)), *words]
    return subprocess.run(command, text=True, capture_output=True, check=False, timeout=120, input=stdin)


def test_a_key_that_may_only_check_finds_drift_and_can_do_nothing_else(tmp_path: Path, lab_host: LabHost) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "site.yml").write_text(SITE)
    inventory(tmp_path, [lab_host])
    apply(tmp_path)
    whole = " ".join(public_of(key))
    lab_host.run(["sh", "-c", f"echo '{whole}' >> /root/.ssh/authorized_keys"])  # without our command
    made = provision("schedule", "key", "--key", str(key), "-i", "inventory.ini", folder=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    kept = lab_host.run(["cat", "/root/.ssh/authorized_keys"]).stdout
    again = provision("schedule", "key", "--key", str(key), "-i", "inventory.ini", folder=tmp_path)
    assert (again.returncode, kept.count(public_of(key)[1])) == (0, 1)
    assert lab_host.run(["cat", "/root/.ssh/authorized_keys"]).stdout == kept

    lab_host.run(["sh", "-c", "echo by hand > /etc/motd"])
    by_check = ["-e", f"ansible_ssh_private_key_file={key}"]
    before = listing(lab_host)
    code, found = findings(tmp_path, *by_check)
    assert {each["task"]["name"]: each["kind"] for each in found} == {"Motd": "drifted", "By hand": "unknown"}
    assert code == 1
    refused_apply = provision("apply", "site.yml", "-i", "inventory.ini", *by_check, folder=tmp_path)
    assert (refused_apply.returncode, "may only check" in refused_apply.stdout) == (2, True)

    there = f"root@{lab_host.address}"
    for tried in (
        ssh(lab_host, key, there, "touch /root/x"),
        ssh(lab_host, key, "-tt", there, stdin="touch /root/x\n"),
        ssh(lab_host, key, there, stdin="touch /root/x\n"),
        ssh(lab_host, key, there, f"touch /root/x; {'0' * 64} {'0' * 32}"),
        ssh(lab_host, key, there, f"x {'0' * 64} {'0' * 32} -u root;id -- /bin/sh -c "),
        ssh(lab_host, key, "-s", there, "sftp"),
        ssh(lab_host, key, str(key), f"{there}:/root/x", program="scp"),
        ssh(lab_host, key, "-N", "-o", "ExitOnForwardFailure=yes", "-R", "47110:127.0.0.1:22", there),
        ssh(lab_host, key, "-W", "127.0.0.1:22", there),
    ):
        assert tried.returncode != 0, tried.args
        assert "SSH-2.0" not in tried.stdout
    target = Target(HostName(lab_host.name), address=lab_host.address, user="root", key_files=(str(key),),
                    known_hosts=(str(lab_host.known_hosts),))  # fmt: skip
    with SessionPool(lambda given: None) as pool:
        session = pool.session(target)
        for call in (
            ModuleCall(CallId(0), "copy", {"dest": "/root/x", "content": "x"}),
            ModuleCall(CallId(0), "command", {"argv": ["touch", "/root/x"]}, check=True),
            ModuleCall(CallId(0), "file", {"path": "/root/x", "state": "touch"}, check=True,
                       environment={"LD_PRELOAD": "/x"}),
            ModuleCall(CallId(0), "foreign_module", {}, check=True),
        ):
            result = session.call(call)
            assert "may only check" in str(result.get("msg", result.get("unknown"))), result
        assert session.call(ModuleCall(CallId(0), "ping", {}, check=True))["ping"] == "pong"
        shipped = load_bundle()
        channel = next(iter(session._work._channels.values()))
        frame = shipped.code_frame("provisioner.remote.modules.ping")
        assert frame is not None
        channel.stream.write(frame)  # code, even ours: the runner ends
        while not channel.is_over():
            time.sleep(0.05)
    assert differences(before, listing(lab_host)) == {}


def test_a_user_who_becomes_root_checks_as_root(tmp_path: Path, lab_host: LabHost) -> None:
    lab_host.run(["sh", "-c", "useradd -m -s /bin/bash inspector && cp -r /root/.ssh /home/inspector/ "
                              "&& chown -R inspector: /home/inspector/.ssh "
                              "&& echo 'inspector ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/inspector"])  # fmt: skip
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "site.yml").write_text("- hosts: all\n  become: true\n  gather_facts: false\n  tasks:\n"
                                       "    - name: Own\n"
                                       "      copy: {dest: /root/own, content: mine, mode: '0600'}\n")  # fmt: skip
    inventory(tmp_path, [lab_host])
    file = tmp_path / "inventory.ini"
    file.write_text(file.read_text().replace("ansible_user=root", "ansible_user=inspector"))
    apply(tmp_path)
    made = provision("schedule", "key", "--key", str(key), "-i", "inventory.ini", folder=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    lab_host.run(["sh", "-c", "echo by hand > /root/own"])
    _, found = findings(tmp_path, "-e", f"ansible_ssh_private_key_file={key}")
    assert [(each["task"]["name"], each["kind"]) for each in found] == [("Own", "drifted")]
    tried = ssh(lab_host, key, f"inspector@{lab_host.address}", "sudo touch /root/x")
    assert (tried.returncode, "may only check" in tried.stderr) == (1, True)
