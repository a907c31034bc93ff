"""The whole way from a machine that boots to a host that is known, on booted hosts with the real cloud-init."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from provisioner.diag import AuthenticationFailed, HostFailed, HostKeyRejected, HostUnreachable
from provisioner.enrol.enrol import HostEntry, enrol
from provisioner.enrol.hostca import DAY, RENEW, VALID
from provisioner.enrol.store import Enrolled
from provisioner.enrol.throwaway import LIFE, ThrowAway, throw_away
from provisioner.enrol.userdata import user_data
from provisioner.messages import Target
from provisioner.transport import ssh
from provisioner.transport.keyscan import shown_key
from provisioner.transport.sshconfig import Resolver
from provisioner.values import HostName
from tests.enrol.conftest import Controller, Machine, OneMachine, found

Boot = Callable[..., Machine]

SLOW_RELOAD = """
mkdir -p /etc/systemd/system/ssh.service.d
cat > /etc/systemd/system/ssh.service.d/slow.conf <<'.'
[Service]
ExecReload=
ExecReload=systemd-run --collect --on-active=3 --timer-property=AccuracySec=100ms kill -HUP $MAINPID
.
systemctl daemon-reload
"""
"""sshd answers as before for a while after it was told to reload, as it may for a moment on any host."""


def log_in(entry: HostEntry, controller: Controller) -> str:
    """Who one is on the host, by a connection as any later command makes it."""
    target = Target(HostName(entry.name), address=entry.address, user=entry.user, host_key_alias=entry.alias,
                    known_hosts=(str(controller.site.store.known_hosts),), key_files=controller.site.key_files)
    connection = ssh.connect(target, ssh.Wiring(Resolver()))
    try:
        stream = connection.open_stream("id -un")
        said = b""
        while (data := stream.read(1000, 10)) != b"":
            said += data or b""
        return said.decode().strip()
    finally:
        connection.close()


def logins(machine: Machine) -> int:
    return machine.sh("journalctl -u ssh -o cat --no-pager").count("Accepted")


class Killed(BaseException):
    """Ends a run as a kill of the controller does."""


class Mortal(Controller):
    """Dies when it says something for the nth time."""

    def dies_at(self, nth: int, machine: Machine, provider: Any) -> bool:
        count = 0

        def report(text: str) -> None:
            nonlocal count
            count += 1
            self.said.append(text)
            if count == nth:
                raise Killed

        try:
            enrol(machine.found, self.settings(), self.site, provider, report)
        except Killed:
            return True
        return False


def test_a6_a_machine_that_prints_its_keys_gets_one_of_its_own_and_no_other_at_its_address_is_let_pass(
    boot: Boot, controller: Controller
) -> None:
    settings = controller.settings(own_data=f"#!/bin/sh\necho from the user > /etc/told\n{SLOW_RELOAD}")
    machine = boot("i-0abc", user_data(settings))
    entry = controller.enrol(machine.found, OneMachine("console", machine.console), settings)

    assert (entry.name, entry.address, entry.user, entry.alias) == ("web-1", machine.address, "deploy", "i-0abc")
    assert entry.known_hosts == (controller.site.ca.line("i-0abc"),)
    assert log_in(entry, controller) == "deploy"
    assert machine.sh("cat /etc/told") == "from the user\n"
    assert machine.sh("ls /etc/ssh | grep key").split() == [
        "provision_host_ed25519_key", "provision_host_ed25519_key-cert.pub", "provision_host_ed25519_key.pub"]
    assert machine.sh("sshd -T | grep -i '^passwordauthentication'") == "passwordauthentication no\n"
    assert machine.sh("grep ssh_deletekeys /etc/cloud/cloud.cfg.d/99-provision.cfg") == "ssh_deletekeys: false\n"
    assert controller.said[-1] == "is verified by its certificate alone"

    # again: known, and not even connected to
    controller.said.clear()
    assert controller.enrol(machine.found, OneMachine()) == entry
    assert controller.said == []

    # ssh itself knows it by the same file
    options = {"UserKnownHostsFile": controller.site.store.known_hosts, "GlobalKnownHostsFile": "/dev/null",
               "HostKeyAlias": entry.alias, "StrictHostKeyChecking": "yes", "BatchMode": "yes"}
    ssh_client = ["ssh", "-F", "none", "-i", controller.site.key_files[0],
                  *(f"-o{name}={value}" for name, value in options.items()), f"deploy@{entry.address}", "id -un"]
    assert subprocess.run(ssh_client, check=True, capture_output=True, text=True).stdout == "deploy\n"

    # it stays so
    machine.reboot()
    machine.until_it_answers()
    assert log_in(entry, controller) == "deploy"
    nobody = "runuser -u nobody -- python3 -c 'import socket; socket.create_connection((\"169.254.169.254\", 80), 5)'"
    assert "Permission denied" in machine.sh(f"{nobody} 2>&1 || true")

    # A6: its address belongs to another machine now
    controller.site.store.expect("web-2", 1, throw_away(time.time()).expected)
    other = found("web-2", "i-0def", machine.address)
    before = logins(machine)
    with pytest.raises(HostKeyRejected, match=r"web-2 \(i-0def\) at .* is not the machine it should be") as caught:
        controller.enrol(other, OneMachine("injected"))
    assert "the address belongs to another machine" in caught.value.hint
    assert logins(machine) == before


def test_a_throw_away_key_is_worthless_and_gone_afterwards(boot: Boot, controller: Controller) -> None:
    keys, store = throw_away(time.time()), controller.site.store
    machine = boot("i-0abc", user_data(controller.settings(), keys))
    machine.until_it_answers()
    assert shown_key(machine.address).line == keys.expected.public

    store.expect("web-1", 1, replace(keys.expected, made=time.time() - LIFE - 60))
    with pytest.raises(HostKeyRejected, match="61 minutes ago and is not believed any more") as caught:
        controller.enrol(machine.found, OneMachine("injected"))
    assert "--replace web-1" in caught.value.hint
    assert logins(machine) == 0

    store.expect("web-1", 1, keys.expected)
    machine.sh("sed -i 's/^Include/#Include/' /etc/ssh/sshd_config")  # as OpenSSH before 8.2 has it
    with pytest.raises(HostFailed, match=r"(?s)web-1 \(i-0abc\) at .* cannot be enrolled: showing.*does not include"):
        controller.enrol(machine.found, OneMachine("injected"))
    machine.sh("sed -i 's/^#Include/Include/' /etc/ssh/sshd_config")
    entry = controller.enrol(machine.found, OneMachine("injected"))
    assert log_in(entry, controller) == "deploy"
    assert shown_key(machine.address).line != keys.expected.public
    places = "/etc/ssh /var/lib/cloud/instances /var/lib/cloud/instance /run/cloud-init /var/log /tmp /root /home"
    secret = keys.private.reveal().splitlines()[2]
    assert machine.sh(f"grep -rla '{secret}' {places} || true") == ""
    assert store.expected("web-1", 1) is None
    assert sorted(path.name for path in store.directory.rglob("*") if path.is_file()) == [
        "known_hosts", "machines.json"]

    in_between(machine, keys)
    before = logins(machine)
    with pytest.raises(HostKeyRejected, match="shows no certificate"):
        log_in(entry, controller)
    assert logins(machine) == before


def in_between(machine: Machine, keys: ThrowAway) -> None:
    """From now on somebody answers for the machine who has read the throw-away key in its user data."""
    stolen = machine.root / "etc/ssh/stolen"
    stolen.write_text(keys.private.reveal())
    stolen.chmod(0o600)
    machine.sh("echo 'HostKey /etc/ssh/stolen' > /etc/ssh/sshd_config.d/10-provision.conf; systemctl restart ssh")
    assert shown_key(machine.address).line == keys.expected.public


def test_a_run_that_is_killed_anywhere_is_made_good_by_the_next_one(
        boot: Boot, make_controller: Callable[..., Controller]) -> None:
    first = make_controller("a")
    mortal = Mortal(first.site, first.said)
    machine = boot("i-0abc", user_data(first.settings()))
    # Of keys this console shows fingerprints alone, as that of some images does.
    provider = OneMachine("console", lambda: machine.console().replace("HOST KEY KEYS", "KEYS"))
    deaths = 0
    while mortal.dies_at(deaths + 1, machine, provider):
        deaths += 1
    assert deaths >= 5
    assert set(mortal.said) >= {
        "waits for the host keys on the console", "is verified; waits for cloud-init", "gets a key of its own",
        "gets a certificate", "is verified by its certificate; lets its other keys go",
        "is verified by its certificate alone"}
    assert mortal.site.store.enrolled("i-0abc") is not None

    # another controller knows nothing but the CA, and the console is long gone
    second = make_controller("b")
    entry = second.enrol(machine.found, OneMachine("console"))
    assert log_in(entry, second) == "deploy"

    # a certificate that is about to expire, and one that has
    kept = second.site.store.enrolled("i-0abc")
    assert kept is not None
    second.site.store.keep("i-0abc", replace(kept, expires=time.time() + RENEW - DAY))
    expired = second.site.ca.sign(kept.public, ("i-0abc",), time.time() - VALID - DAY)
    renewed(second, machine)
    machine.sh(f"echo '{expired}' > /etc/ssh/provision_host_ed25519_key-cert.pub")
    with pytest.raises(HostKeyRejected, match="has expired on"):
        log_in(entry, second)
    second.site.store.keep("i-0abc", replace(kept, expires=time.time() - DAY))
    renewed(second, machine)
    assert log_in(entry, second) == "deploy"


def renewed(controller: Controller, machine: Machine) -> None:
    before = controller.site.store.enrolled("i-0abc")
    controller.enrol(machine.found, OneMachine("console"))
    after = controller.site.store.enrolled("i-0abc")
    assert isinstance(before, Enrolled)
    assert isinstance(after, Enrolled)
    assert after.public == before.public
    assert after.expires > time.time() + VALID - DAY


def test_an_image_of_an_enrolled_host_makes_hosts_with_keys_of_their_own(boot: Boot, controller: Controller) -> None:
    machine = boot("i-0abc", user_data(controller.settings()))
    first = controller.enrol(machine.found, OneMachine("console", machine.console))
    key = machine.sh("cat /etc/ssh/provision_host_ed25519_key.pub")
    machine.machines.stop(machine.name)
    meta = machine.root / "var/lib/cloud/seed/nocloud/meta-data"
    meta.write_text(json.dumps({"instance-id": "i-0def", "local-hostname": "web-2"}))
    before = len(machine.console())
    machine.machines.start(machine.name)

    copy = found("web-2", "i-0def", machine.address)
    second = controller.enrol(copy, OneMachine("console", lambda: machine.console()[before:]))
    assert machine.sh("cat /etc/ssh/provision_host_ed25519_key.pub") != key
    assert log_in(second, controller) == "deploy"
    with pytest.raises(HostKeyRejected, match="is for i-0def, web-2, not for i-0abc"):
        log_in(first, controller)


# -- what is refused ----------------------------------------------------------------------------------------------


def test_a_host_that_did_not_read_its_user_data_is_refused(boot: Boot, controller: Controller) -> None:
    controller.site.store.expect("web-1", 1, throw_away(time.time()).expected)
    machine = boot("i-0abc", "")
    with pytest.raises(HostKeyRejected, match=r"web-1 \(i-0abc\) at .* is not the machine it should be") as caught:
        controller.enrol(machine.found, OneMachine("injected"))
    assert "did not read the user data" in caught.value.hint
    assert "deploy" not in machine.sh("journalctl -u ssh -o cat --no-pager")  # not even who would log in

    with pytest.raises(AuthenticationFailed, match="has not done what it was told") as refused:
        controller.enrol(machine.found, OneMachine("console", machine.console))
    assert "Its console ends with:" in refused.value.message


def test_a10_a_machine_whose_ssh_refuses_is_given_up_with_its_console_or_enrolled_once_it_answers(
    boot: Boot, controller: Controller
) -> None:
    settings = controller.settings()
    machine = boot("i-0abc", user_data(settings))
    machine.until_it_answers()
    machine.sh("cloud-init status --wait || true; systemctl stop ssh")
    cloud: Any = OneMachine("console", machine.console)
    hasty = Controller(replace(controller.site, patience=replace(controller.site.patience, ssh=1.0)))
    with pytest.raises(HostUnreachable, match=r"(?s)runs, but SSH does not answer.*refuses.*console ends with:"):
        hasty.enrol(machine.found, cloud)
    assert hasty.said == ["runs; SSH does not answer yet"]

    def report(text: str) -> None:
        if text == "runs; SSH does not answer yet":
            machine.sh("systemctl start ssh")

    entry = enrol(machine.found, settings, controller.site, cloud, report)
    assert log_in(entry, controller) == "deploy"


@pytest.mark.parametrize(("status", "reason"), [("stopped", "it is stopped"), ("leaving", "it is leaving")])
def test_a_machine_that_does_not_run_is_not_waited_for(controller: Controller, status: str, reason: str) -> None:
    with pytest.raises(HostUnreachable, match=reason):
        controller.enrol(found(status=status), OneMachine())


def test_a_machine_that_never_gets_an_address_is_given_up(controller: Controller) -> None:
    hasty = Controller(replace(controller.site, patience=replace(controller.site.patience, running=0.5)))
    with pytest.raises(HostUnreachable, match=r"is pending and has no address after"):
        hasty.enrol(found(status="pending"), OneMachine())
    assert hasty.said == ["is pending"]
