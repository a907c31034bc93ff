"""The newest and the oldest Next.js on two hosts under load: a part of `benchmarks/releases`, for every change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.lab import Lab
from provisioner.testing import matrix
from provisioner.testing.releases import Releases

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="module")
def app(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    hosts = lab.up(["one", "two"])
    yield Releases(hosts, lab.inventory_file, tmp_path_factory.mktemp("matrix"))
    lab.down([host.name for host in hosts])


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", [16, 12])
def test_no_request_fails_over_three_releases_and_a_rollback(app: Releases, version: int) -> None:
    matrix.begin(app, APPS, version)
    seen, forth, back = matrix.release(app, 3, 1, 3)
    assert (len(forth), len(back)) == (3, 1)
    assert seen.failures == []
    assert min(seen.requests) > 300
    assert all(len({phase.after for phase in phases}) == 3 for phases in app.phases), "a rollback builds nothing"
    assert max(cost.share for cost in seen.costs) < 0.8, "the clients themselves were the bottleneck"
