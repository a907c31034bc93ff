"""`async_status`, the controller's half."""

from __future__ import annotations

from provisioner.actions import async_status
from provisioner.actions.base import HostWork
from provisioner.testing.expanding import expand


def test_jobs_are_looked_for_where_the_variable_says() -> None:
    variables = {"ansible_async_dir": "/srv/jobs"}
    assert expand(async_status, {"jid": "j1.1"}, variables=variables) == HostWork(
        "async_status", {"jid": "j1.1", "_async_dir": "/srv/jobs"})
    assert expand(async_status, {"jid": "j1.1"}) == HostWork("async_status", {"jid": "j1.1"})
