"""kill -9 of the controller at every protocol step: nothing stays on the host, and the next run mends everything.

Every step takes about four seconds; by default a sample is killed. `PROVISION_KILL_STEPS=all` kills at each of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from controller import SITE, inventory, provision

from provisioner.lab import LabHost

DYING = Path(__file__).with_name("dying_controller.py")
PLAYBOOK = SITE.with_name("small.yml")
SAMPLE = 6

RESET = """
systemctl stop small; rm -f /etc/systemd/system/small.service; systemctl daemon-reload
userdel -r small; rm -rf /etc/small /srv/small; sed -i '/10.1.1.1 small/d' /etc/hosts
"""

#: Runners by their command line, and temp files of atomic writes anywhere they may be.
LEFT = r"""
pgrep -af '[p]ython3 -I -S' || true
find /etc /srv /root /tmp /var/tmp /usr/local -path /root/.cache -prune -o -name '.*provision*' -print
ls -d /var/lib/provisioner/locks/* 2>/dev/null || true
"""


def run_dying(step: int, folder: Path, hosts: Path, count_to: Path | None = None) -> int:
    environment = dict(os.environ, **({"COUNT_TO": str(count_to)} if count_to else {}))
    done = subprocess.run(
        [sys.executable, str(DYING), str(step), "apply", "-i", str(hosts), str(PLAYBOOK), "--state-dir",
         str(folder / "state")],
        capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL, env=environment)
    return done.returncode


def left_behind(host: LabHost) -> str:
    """What is left on the host once the task that was running has had the time to end."""
    deadline = time.monotonic() + 15
    while True:
        left = host.run(["sh", "-c", LEFT]).stdout.strip()
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def reset(host: LabHost) -> None:
    host.run(["sh", "-c", RESET], check=False)


@pytest.mark.timeout(3600)
def test_nothing_stays_and_the_next_run_mends(shared_lab_host: LabHost, tmp_path: Path) -> None:
    host = shared_lab_host
    hosts = inventory(tmp_path, [host])
    count = tmp_path / "count"
    for _ in range(2):  # the first run also brings the code that later ones find on the host
        reset(host)
        assert run_dying(0, tmp_path, hosts, count) == 0
    steps = int(count.read_text())
    assert steps > 20
    chosen = range(1, steps + 1)
    if os.environ.get("PROVISION_KILL_STEPS") != "all":
        chosen = chosen[:: max(1, steps // SAMPLE)]
    problems = []
    for step in chosen:
        reset(host)
        if run_dying(step, tmp_path, hosts) != -9:
            problems.append(f"step {step}: the controller was not killed")
        if left := left_behind(host):
            problems.append(f"step {step}: left behind: {left}")
        mended = provision(tmp_path, "apply", "-i", str(hosts), str(PLAYBOOK))
        if mended.code:
            problems.append(f"step {step}: the next run failed: {mended.results('failed', 'unreachable')}")
        third = provision(tmp_path, "apply", "-i", str(hosts), str(PLAYBOOK))
        if third.names("changed"):
            problems.append(f"step {step}: the third run changed {third.names('changed')}")
    reset(host)
    assert not problems, "\n".join([f"{len(chosen)} of {steps} protocol steps were killed", *problems])
