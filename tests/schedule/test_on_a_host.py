"""Schedules on a real controller: a lab host that checks itself over SSH by systemd's timers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provisioner.lab import LabHost
from tests.drift.mailserver import mail_server
from tests.drift.receiver import receiver
from tests.schedule.installed import PROGRAM, install, log_in_to_itself

PLAYBOOK = """
- name: Site
  hosts: all
  gather_facts: false
  tasks:
    - name: Motd
      copy: {content: "hello\\n", dest: /etc/motd}
"""
HERE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: Change, command: touch /etc/changed, check_mode: false, failed_when: false}
    - {name: Hang, command: sleep 1000, check_mode: false}
"""
SILENT = """
import socket
server, taken = socket.create_server(("127.0.0.1", 2222)), []
while True:
    taken.append(server.accept())
"""
PATIENCE = 400
"""Seconds for what takes two minutes on a quiet machine."""


@pytest.fixture(scope="module")
def controller(shared_lab_host: LabHost) -> LabHost:
    host = shared_lab_host
    install(host)
    log_in_to_itself(host)
    host.run(["mkdir", "/srv/ops"])
    for name, text in {"site.yml": PLAYBOOK, "here.yml": HERE, "hosts": "self ansible_host=127.0.0.1\n"}.items():
        (host.root / "srv/ops" / name).write_text(text)
    provision(host, "apply", "site.yml", "-i", "hosts", "--private-key", "/root/.ssh/checks")
    return host


def provision(host: LabHost, *words: str, code: int = 0, **variables: str) -> str:
    done = host.run(["env", "-C", "/srv/ops", "HOME=/root", *(f"{name}={value}" for name, value in variables.items()),
                     PROGRAM, *words], check=False, timeout=PATIENCE)  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def listed(host: LabHost, name: str) -> dict[str, Any]:
    (found,) = [each for each in json.loads(provision(host, "schedule", "list", "--json")) if each["name"] == name]
    assert isinstance(found, dict)
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(1)


def test_a_schedule_is_run_as_it_was_asked_for_and_leaves_nothing(controller: LabHost) -> None:
    add = ("schedule", "add", "--key", "/root/.ssh/checks")
    provision(controller, *add, "hourly", "drift", "site.yml", "-i", "hosts")
    (controller.root / "etc/motd").write_text("edited\n")
    assert "drift-site: differs" in provision(controller, "schedule", "run", "drift-site", code=2)
    found = listed(controller, "drift-site")
    assert (found["result"], found["exit_code"], found["enabled"]) == ("differs", 2, True)
    assert found["ended"] < found["next"]
    unit = str(found["unit"])
    assert controller.run(["systemd-analyze", "verify", f"/etc/systemd/system/{unit}"]).stderr == ""
    exposure = controller.run(["systemd-analyze", "security", "--no-pager", unit]).stdout.splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) < 3
    assert controller.run(["systemctl", "is-failed", unit], check=False).stdout == "inactive\n"
    provision(controller, *add, "*/5 * * * *", "drift", "site.yml", "-i", "hosts")
    assert "*/5 * * * *" in provision(controller, "schedule", "list")
    (controller.root / "etc/motd").write_text("hello\n")
    provision(controller, "schedule", "run", "drift-site")
    provision(controller, "schedule", "remove", "drift-site")
    places = "/etc/systemd/system/provision-* /etc/systemd/system/*/provision-* /etc/provisioner/schedules/*"
    left = controller.run(["sh", "-c", f"ls {places} /root/.local/state/provisioner/schedules/*"], check=False)
    assert left.stdout == ""


@pytest.mark.slow
def test_a_check_that_hangs_is_ended_and_can_not_have_changed_its_own_machine(controller: LabHost) -> None:
    provision(controller, "schedule", "add", "--name", "here", "--time-limit", "20s", "yearly", "plan", "here.yml",
              "-i", "localhost,", "-c", "local")  # fmt: skip
    begun = time.monotonic()
    provision(controller, "schedule", "run", "here", code=1)
    assert time.monotonic() - begun < PATIENCE
    assert listed(controller, "here")["result"] == "timed out"
    assert not (controller.root / "etc/changed").exists()
    said = controller.run(["journalctl", "--no-pager", "-t", "provision-here"]).stdout
    assert "TASK [Change]" in said
    provision(controller, "schedule", "remove", "here")


@pytest.mark.slow
def test_the_timer_fires_the_report_arrives_and_a_host_that_hangs_hangs_nothing(controller: LabHost) -> None:
    (controller.root / "srv/ops/silent.py").write_text(SILENT)
    controller.run(["systemd-run", "--unit=silent", "python3", "/srv/ops/silent.py"])
    (controller.root / "srv/ops/both").write_text(
        "self ansible_host=127.0.0.1\nhung ansible_host=127.0.0.1 ansible_port=2222\n")  # fmt: skip
    (controller.root / "etc/motd").write_text("edited\n")
    outside = controller.address.rpartition(".")[0] + ".1"
    with receiver(*[200] * 20, address=outside) as (url, told), mail_server(outside) as box:
        provision(controller, "schedule", "add", "--key", "/root/.ssh/checks", "every 1 min", "drift", "site.yml",
                  "-i", "both", "--email", "ops@example.com", PROVISION_DRIFT_WEBHOOK=url, NO_PROXY="*",
                  PROVISION_SMTP_SERVER=f"{outside}:{box.port}", PROVISION_SMTP_SECURITY="none",
                  PROVISION_MAIL_FROM="provision@example.com")  # fmt: skip
        until(lambda: bool(told and box.mails), "no report has arrived")
        until(lambda: listed(controller, "drift-site")["exit_code"] == 1, "no end of a run is known")
        provision(controller, "schedule", "remove", "drift-site")
    assert set(told[0].splitlines()) == {"site: 2 hosts checked: 1 drifted, 1 unknown", "• drifted: self  Motd",
                                         "• unknown: hung  Motd"}  # fmt: skip
    assert box.mails[0]["Subject"] == told[0].splitlines()[0]
    assert len(told) == len(box.mails) == 1


@pytest.mark.slow
def test_a_run_that_was_missed_is_made_up_for_after_the_boot(controller: LabHost) -> None:
    (controller.root / "etc/motd").write_text("hello\n")
    due = datetime.now(UTC) + timedelta(seconds=90)
    provision(controller, "schedule", "add", "--key", "/root/.ssh/checks", due.strftime("*-*-* %H:%M:%S"), "drift",
              "site.yml", "-i", "hosts")  # fmt: skip
    assert listed(controller, "drift-site")["ended"] is None
    controller.machine.stop()
    assert datetime.now(UTC) < due, "the host took too long to stop: nothing was missed"
    until(lambda: datetime.now(UTC) > due + timedelta(seconds=2), "the clock stands still")
    controller.start()
    until(lambda: listed(controller, "drift-site")["ended"] is not None, "the missed run was not made up for")
    found = listed(controller, "drift-site")
    assert found["result"] == "in sync"
    assert found["next"] > due.timestamp() + 80_000
    provision(controller, "schedule", "remove", "drift-site")
