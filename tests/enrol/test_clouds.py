"""Enrolment where the real cloud-init gets what it is told from a metadata service, as at EC2 and DigitalOcean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.enrol.throwaway import throw_away
from provisioner.enrol.userdata import user_data
from provisioner.testing.bridge import Bridge, Instance
from tests.enrol.conftest import Controller, Machine, OneMachine, found

# Asks for the user data as any program on the machine may: at EC2 with a token.
ASK = """
import sys, urllib.request as web
address, headers = "http://169.254.169.254", {}
try:
    if sys.argv[1] == "ec2":
        name = "X-aws-ec2-metadata-token"
        request = web.Request(f"{address}/latest/api/token", headers={f"{name}-ttl-seconds": "60"}, method="PUT")
        headers[name] = web.urlopen(request, timeout=9).read().decode()
    path = {"ec2": "latest/user-data", "digitalocean": "metadata/v1/user-data"}[sys.argv[1]]
    print(web.urlopen(web.Request(f"{address}/{path}", headers=headers), timeout=9).read().decode())
except OSError as error:
    print(error)
"""
MAC = "02:00:00:00:10:02"


@pytest.fixture
def instances() -> list[Instance]:
    return []


@pytest.fixture
def bridge(needs_lab: None, instances: list[Instance], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    with Bridge(tmp_path_factory.mktemp("machines"), lambda: list(instances)) as made:
        yield made


def at_ec2(address: str, told: str) -> Instance:
    meta = {"id": "i-0abc", "address": address, "type": "t3.small", "image": "ami-1", "zone": "eu-central-1a",
            "http_tokens": "required", "http_endpoint": "enabled"}
    return Instance("i-0abc", "on", address, "ec2", told, meta)


def at_digitalocean(address: str, told: str) -> Instance:
    ipv4 = {"ip_address": address, "netmask": "255.255.255.0", "gateway": address.rpartition(".")[0] + ".1"}
    meta = {"droplet_id": 1002, "hostname": "web-1", "region": "fra1", "dns": {"nameservers": ["192.0.2.53"]},
            "interfaces": {"public": [{"mac": MAC, "type": "public", "ipv4": ipv4}]}}
    return Instance("1002", "on", address, "digitalocean", told, meta)


@pytest.mark.parametrize(("make", "how", "cloud", "user"), [
    (at_ec2, "console", "aws", "deploy"), (at_digitalocean, "injected", "digitalocean", "root"),
], ids=["ec2", "digitalocean"])
def test_a_machine_that_is_told_by_a_metadata_service_is_enrolled_and_closes_it(
        bridge: Bridge, instances: list[Instance], controller: Controller, make: Any, how: Any, cloud: str,
        user: str) -> None:
    settings = controller.settings(user)
    keys = throw_away(time.time()) if how == "injected" else None
    if keys is not None:
        controller.site.store.expect("web-1", 1, keys.expected)
    instance = make(bridge.next_address(), user_data(settings, keys))
    instances.append(instance)
    bridge.settle(120)
    machine = Machine(found("web-1", instance.id, instance.address), bridge.machines)
    controller.enrol(machine.found, OneMachine(how, machine.console), settings)

    assert machine.sh("cloud-id").strip() == cloud
    (machine.root / "srv/ask.py").write_text(ASK)
    for _ in range(2):
        ask = f"python3 /srv/ask.py {instance.kind}"
        assert "Permission denied" in machine.sh(f"runuser -u nobody -- {ask}")
        assert "#cloud-config" in machine.sh(ask)
        machine.reboot()
        machine.until_it_answers()
        machine.sh("systemctl is-system-running --wait || true")
