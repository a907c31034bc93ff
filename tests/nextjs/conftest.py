"""One app on two lab hosts for all tests of this directory: the first deploy takes a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from shop import Shop

from provisioner.lab import Lab
from provisioner.testing.nextjs import Site, example
from provisioner.testing.nextjs_faults import make_faulty


@pytest.fixture(scope="package")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scratch = tmp_path_factory.mktemp("nextjs")
    source = example(scratch / "app")
    with ExitStack() as cleanup:
        hosts = lab.up(count=2)
        cleanup.callback(lab.down, [host.name for host in hosts])
        yield Site(hosts, source, scratch)


@pytest.fixture(scope="module")
def app(site: Site) -> Site:
    """The app with faults that a variable chooses, running."""
    make_faulty(site)
    result = site.only()
    assert not result.get("failed"), result
    return site


@pytest.fixture(scope="module")
def shop(lab: Lab) -> Iterator[Shop]:
    """A host for apps that are deployed by the program itself."""
    with ExitStack() as cleanup:
        hosts = lab.up(count=1, packages=("nginx", "libjemalloc2"))
        cleanup.callback(lab.down, [host.name for host in hosts])
        yield Shop(hosts[0])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server for buckets."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - heavy, and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
