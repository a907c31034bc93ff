"""Ranges in host names."""

from __future__ import annotations

import pytest

from provisioner.inventory.ranges import RangeError, expand


@pytest.mark.parametrize(("name", "hosts"), [
    ("web", ["web"]),
    ("web[1:3]", ["web1", "web2", "web3"]),
    ("w[01:10:3].example.com", ["w01.example.com", "w04.example.com", "w07.example.com", "w10.example.com"]),
    ("db-[a:e:2]", ["db-a", "db-c", "db-e"]),
    ("[x:z]", ["x", "y", "z"]),
    ("r[1:2]n[a:b]x", ["r1nax", "r1nbx", "r2nax", "r2nbx"]),
    ("h[8:11]", ["h8", "h9", "h10", "h11"]),
    ("h[008:010]", ["h008", "h009", "h010"]),
    ("h[0:1]", ["h0", "h1"]),
    ("h[5:5]", ["h5"]),
    ("::1", ["::1"]),
])
def test_a_name_stands_for_its_hosts(name: str, hosts: list[str]) -> None:
    assert expand(name) == hosts


@pytest.mark.parametrize(("name", "words"), [
    ("h[1:1000000000]", "1000000000 hosts"), ("h[1:400][1:400]", "160000 hosts"), ("h[3:1]", "ends before it starts"),
    ("h[1:3:0]", "step"), ("h[01:100]", "as many digits"), ("h[a:3]", "two numbers or two letters"),
    ("h[aa:bb]", "two numbers or two letters"), ("h[1:99999999999999]", "too large"),
])
def test_y20_a_range_that_cannot_be_is_refused(name: str, words: str) -> None:
    with pytest.raises(RangeError, match=words):
        expand(name)
