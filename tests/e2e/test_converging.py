"""The promises of check mode and of the second run, on real hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from controller import SITE, Ran, differences, inventory, listing, provision

from provisioner.lab import LabHost

#: Tasks of which check mode cannot know the outcome on a fresh host, each with a part of the reason it gives.
UNKNOWN = {"As the user": "shop"}


def diffs(ran: Ran) -> dict[str, Any]:
    return {event["name"]: event["result"].get("diff") for event in ran.results("changed")}


@pytest.fixture
def host(lab_hosts: Callable[..., list[LabHost]]) -> LabHost:
    return lab_hosts(1)[0]


def test_check_tells_what_apply_does_and_a_second_apply_does_nothing(host: LabHost, tmp_path: Path) -> None:
    hosts = inventory(tmp_path, [host])
    fresh = listing(host)

    checked = provision(tmp_path, "apply", "--check", "--diff", "-i", str(hosts), str(SITE))
    assert checked.code == 0, checked.stderr
    assert differences(fresh, listing(host)) == {}
    unknown = {event["name"]: event["result"]["unknown"] for event in checked.results("unknown")}
    assert set(unknown) == set(UNKNOWN)
    assert all(part in unknown[name] for name, part in UNKNOWN.items())

    applied = provision(tmp_path, "apply", "--diff", "-i", str(hosts), str(SITE))
    assert applied.code == 0, applied.stderr
    assert checked.names("changed") == [name for name in applied.names("changed") if name not in UNKNOWN]
    expected = {name: diff for name, diff in diffs(applied).items() if name not in UNKNOWN}
    assert diffs(checked) == expected

    done = listing(host)
    pid = host.run(["systemctl", "show", "-P", "MainPID", "shop"]).stdout
    again = provision(tmp_path, "apply", "-i", str(hosts), str(SITE))
    assert again.code == 0
    assert again.names("changed") == []
    assert again.end()["hosts"][host.name]["changed"] == 0
    assert differences(done, listing(host)) == {}
    assert host.run(["systemctl", "show", "-P", "MainPID", "shop"]).stdout == pid

    host.run(["sed", "-i", "s/SHOP/edited/", "/etc/shop/settings"])
    mended = provision(tmp_path, "apply", "-i", str(hosts), str(SITE))
    assert mended.names("changed") == ["Settings", "Restart the app"]
    assert listing(host)["/etc/shop/settings"][3] == done["/etc/shop/settings"][3]
