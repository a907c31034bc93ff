"""The ten roles leave two hosts alike, one of them set up by `provision`, the other by the real `ansible-playbook`.

Slow, and installs Ansible with its collections into the user's cache: `./scripts/test -m slow tests/wild`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tools import ANSIBLE, ROOT, installed
from provisioner.lab import LabHost
from tests.wild.uses import FOLDER

pytestmark = pytest.mark.slow

COLLECTIONS = "ansible==12.3.0"
PACKAGES = ("python3-apt", "nginx-light", "git", "cron", "nodejs", "npm", "curl")

#: What paths begin with that may differ, each with the reason.
OWN = {
    "/root/.ansible": "files under way, and results of `async`, which provision lets nobody else read",
    "/root/.cache": "the runner of provision and its modules",
    "/srv/shop/repo/.git/config": "ansible writes the path of a repository as a file:// URL",
    "/srv/shop/repo/.git/objects": "git links the objects of a path, and gets those of a URL as a pack",
    "/srv/shop/repo/.git/index": "has inode numbers and times of the working copy",
    "/srv/shop/repo/.git/logs": "has times",
    "/srv/shop/repo/.git/FETCH_HEAD": "ansible fetches also what it has",
    "/srv/shop/repo/.git/ORIG_HEAD": "ansible resets a copy that it has just cloned",
}
#: Every path with its kind and mode, owner, group, and where it leads or a hash of its content.
LISTING = r"""
import hashlib, json, os, sys
found = {}
for top, directories, files in os.walk("/"):
    directories[:] = [name for name in directories if os.path.join(top, name) not in sys.argv]
    for path in [os.path.join(top, name) for name in directories + files]:
        it = os.lstat(path)
        content = ""
        if os.path.islink(path):
            content = os.readlink(path)
        elif os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read()
            if top == "/var/spool/cron/crontabs":  # crontab(1) writes a head with a time and a temporary name
                content = b"\n".join(line for line in content.splitlines() if not line.startswith(b"# ("))
            content = hashlib.sha256(content).hexdigest()
        found[path] = [oct(it.st_mode), it.st_uid, it.st_gid, content]
json.dump(found, sys.stdout)
"""
#: Not looked into: what the kernel makes, what is gone with the next boot, logs, caches.
LEFT_OUT = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache", "/root/.npm")

RECAP = re.compile(r"^(\S+) +: (ok=.*\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    argv: list[str]
    environment: dict[str, str]

    def run(self, folder: Path, host: LabHost) -> dict[str, str]:
        """Plays the playbook on the host; the words of the recap by host."""
        inventory = folder / f"{self.name}.ini"
        inventory.write_text(
            f"[web]\nweb1 ansible_host={host.address} ansible_user=root ansible_ssh_private_key_file={host.key_file} "
            f"ansible_ssh_known_hosts_file={host.known_hosts} ansible_ssh_common_args='-F none "
            f"-o UserKnownHostsFile={host.known_hosts} -o StrictHostKeyChecking=yes'\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        done = subprocess.run(
            [*self.argv, "-i", str(inventory), "site.yml"], cwd=FOLDER, capture_output=True, text=True, timeout=3000,
            check=False, stdin=subprocess.DEVNULL,
            env=environment | {"LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg")} | self.environment)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return dict(RECAP.findall(done.stdout))


def state(host: LabHost) -> dict[str, list[Any]]:
    told = host.run(["python3", "-I", "-c", LISTING, *LEFT_OUT], timeout=1200).stdout
    found: dict[str, list[Any]] = json.loads(told)
    return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What has come to be otherwise, without what is either tool's own; None for what is gone."""
    return {path: after.get(path) for path in sorted(before.keys() | after.keys())
            if before.get(path) != after.get(path) and not path.startswith(tuple(OWN))}


@pytest.mark.timeout(7200)
def test_both_leave_the_same_host_and_tell_the_same_counts(
    lab_hosts: Callable[..., list[LabHost]], tmp_path: Path,
) -> None:
    hosts = lab_hosts(2, packages=PACKAGES)
    tools = (Tool("provision", [sys.executable, "-m", "provisioner", "apply", "--no-history"],
                  {"PYTHONPATH": str(ROOT)}),
             Tool("ansible", [str(installed(ANSIBLE, COLLECTIONS) / "ansible-playbook")],
                  {"ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_PIPELINING": "1"}))
    for host in hosts:
        host.run(["apt-get", "update", "-qq"], timeout=600)
    with ThreadPoolExecutor(2) as pool:
        fresh = [state(host) for host in hosts]
        ours, theirs = pool.map(lambda tool, host: tool.run(tmp_path, host), tools, hosts)
        assert ours == theirs
        done = [state(host) for host in hosts]
        ours, theirs = (changes(*pair) for pair in zip(fresh, done, strict=True))
        assert ours == theirs
        assert len(ours) > 100

        ours, theirs = pool.map(lambda tool, host: tool.run(tmp_path, host), tools, hosts)
        assert ours == theirs
        assert all("changed=0 " in counts for counts in ours.values())
        assert [changes(*pair) for pair in zip(done, map(state, hosts), strict=True)] == [{}, {}]
