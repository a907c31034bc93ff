"""A droplet with what a real one does: its user data read by the real cloud-init from a metadata service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.cloud.model import HostSettings, Ref
from provisioner.cloud.provider import Order
from provisioner.enrol.enrol import Patience, Site, enrol
from provisioner.enrol.hostca import CAPlace, host_ca
from provisioner.enrol.store import SiteStore
from provisioner.enrol.throwaway import throw_away
from provisioner.enrol.userdata import user_data
from provisioner.lab.keys import client_key
from provisioner.messages import Target
from provisioner.testing.bridge import Bridge
from provisioner.testing.digitalocean import Fake
from provisioner.testing.digitalocean.booted import droplets_of
from provisioner.transport import ssh
from provisioner.transport.sshconfig import Resolver
from provisioner.values import HostName
from tests.cloud.providers.digitalocean.conftest import Bench

WEB = Ref("machine", "web-1")
LONG = Patience(running=60, console=120, ssh=180, login=20, cloud_init=240, reload=60, pause=0.2)


@pytest.fixture
def bridge(fake: Fake, needs_lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    with Bridge(tmp_path_factory.mktemp("droplets"), lambda: droplets_of(fake)) as bridge:
        fake.world.addresses = bridge.next_address
        yield bridge


def test_a_droplet_becomes_a_host_that_is_known_by_a_key_it_has_made_itself(
        fake: Fake, bench: Bench, bridge: Bridge, tmp_path: Path) -> None:
    key = client_key(tmp_path / "keys")
    settings = HostSettings("deploy", keys=(Path(f"{key}.pub").read_text().strip(),))
    site = Site(SiteStore(tmp_path / "state"), host_ca(CAPlace("shop", tmp_path / "ca"), lambda text: None),
                (str(key),), LONG)
    keys, provider = throw_away(time.time()), bench.provider
    site.store.expect("web-1", 1, keys.expected)
    wanted = bench.wanted(WEB)
    found = provider.create(Order(wanted, "shop", 1, "once", {}, "155133621", user_data(settings, keys)))
    entry = enrol(found, settings, site, provider, lambda text: None)

    target = Target(HostName("web-1"), address=entry.address, user=entry.user, host_key_alias=entry.alias,
                    known_hosts=(str(site.store.known_hosts),), key_files=site.key_files)
    connection = ssh.connect(target, ssh.Wiring(Resolver()))
    stream = connection.open_stream("hostname; cloud-id; id -un")
    said = b""
    while (data := stream.read(1000, 20)) != b"":
        said += data or b""
    connection.close()
    assert said.decode().split() == ["web-1", "digitalocean", "deploy"]

    bench.change(provider.look(found), size="s-2vcpu-2gb", disk=None)
    bridge.settle(120)
    assert bridge.running() == [found.id]
    provider.delete(found)
    bridge.settle(120)
    assert bridge.running() == []
