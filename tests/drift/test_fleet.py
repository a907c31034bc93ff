"""Untouched hosts, checked again and again while they do what servers do by themselves: nothing may be found.

    .venv/bin/python -m pytest -m slow tests/drift/test_fleet.py

`PROVISION_FLEET=2x20` makes it two hosts and twenty checks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provisioner.lab import LabHost
from tests.drift.catalogue import BY_ITSELF, DRIFTS, REPOSITORY, SETUP, WATCHED_BEFORE, WATCHES
from tests.drift.hosts import apply, by_shell, findings, site_of


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_a_fleet_that_nobody_touches_has_no_finding_in_any_check(
        tmp_path: Path, lab_hosts: Callable[..., list[LabHost]]) -> None:  # fmt: skip
    count, checks = map(int, os.environ.get("PROVISION_FLEET", "10x100").split("x"))
    hosts = lab_hosts(count)
    site = site_of(tmp_path, hosts, "".join(f"    - name: {each.name}\n      {each.task}\n" for each in DRIFTS))
    (tmp_path / "drift.yml").write_text(WATCHES)
    (tmp_path / "settings.j2").write_text("port=8080\n")
    found: list[tuple[int, int, list[dict[str, Any]]]] = []
    with ThreadPoolExecutor(2) as together:
        list(together.map(lambda host: by_shell(host, REPOSITORY, SETUP, WATCHED_BEFORE), hosts))
        apply(site)
        for number in range(checks):
            living = [together.submit(by_shell, host, BY_ITSELF) for host in hosts]
            code, told = findings(site)
            for each in living:
                each.result()
            if code or told:
                found.append((number, code, told))
    assert found == []
