"""Facts that are kept between runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from provisioner.diag import InputError
from provisioner.factcache import FactCache
from provisioner.values import HostName, Secret

HOST = HostName("h1")


def test_facts_are_read_as_they_were_written_but_for_secrets(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "facts", prefix="site_")
    cache.write(HOST, {"ansible_hostname": "h1", "token": Secret("hush"), "deep": {"list": [Secret("hush")]}})
    assert cache.read([HOST, HostName("h2")]) == {HOST: {"ansible_hostname": "h1"}}
    file = tmp_path / "facts" / "site_h1"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "hush" not in file.read_text()


def test_old_and_damaged_facts_are_none(tmp_path: Path) -> None:
    cache = FactCache(tmp_path, timeout=60)
    cache.write(HOST, {"a": 1})
    assert cache.read([HOST])
    os.utime(tmp_path / "h1", (0, time.time() - 61))
    assert not cache.read([HOST])
    (tmp_path / "h1").write_text("{")
    assert not cache.read([HOST])


def test_a_hosts_name_stays_inside_the_directory(tmp_path: Path) -> None:
    FactCache(tmp_path / "facts").write(HostName("../out"), {"a": 1})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".._out"]


def test_forgetting_is_for_good(tmp_path: Path) -> None:
    cache = FactCache(tmp_path)
    cache.write(HOST, {"a": 1})
    cache.forget([HOST, HostName("h2")])
    assert not cache.read([HOST])


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="fact_caching_connection"):
        FactCache(tmp_path / "file" / "facts").write(HOST, {})
