"""Waves of hosts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioner.diag import ProvisionError
from provisioner.nextjs.rollout import Rollout, waves
from provisioner.values import HostName

HOSTS = [HostName(name) for name in "abcdefg"]


@pytest.mark.parametrize(("sizes", "found"), [
    ([1, "100%"], ["a", "bcdefg"]), ([2], ["ab", "cd", "ef", "g"]), (["100%"], ["abcdefg"]),
    (["10%", "50%"], ["a", "bcde", "fg"]), ([1, 2, "100%"], ["a", "bc", "defg"]), (["3"], ["abc", "def", "g"]),
])  # fmt: skip
def test_hosts_go_in_waves(sizes: list[int | str], found: list[str]) -> None:
    assert ["".join(wave) for wave in waves(HOSTS, sizes)] == found


def test_all_have_the_release_before_the_first_one_starts_it_and_waves_wait_for_each_other() -> None:
    rollout, order = Rollout(HOSTS[:3], [1, "100%"]), []

    def host(name: HostName) -> None:
        order.append(f"has {name}")
        rollout.wait_for_turn(name)
        order.append(f"runs {name}")
        rollout.done(name)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(host, HOSTS[:3]))
    assert sorted(order[:3]) == ["has a", "has b", "has c"]
    assert order[3] == "runs a"


def test_a_failed_wave_stops_the_next_but_not_those_who_wait_for_nobody() -> None:
    rollout = Rollout(HOSTS[:3], [2, 1])
    rollout.failed(HostName("b"), "boom")
    with ThreadPoolExecutor(2) as pool:
        last = pool.submit(rollout.wait_for_turn, HostName("c"))
        with pytest.raises(ProvisionError, match="b, which goes first, failed: boom"):
            last.result()
        pool.submit(rollout.wait_for_turn, HostName("a")).result()
