"""The stand-ins of clouds, started once for all tests of a process and emptied for each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from provisioner.testing import digitalocean as do
from provisioner.testing.aws import Aws
from provisioner.testing.digitalocean.contract import Description


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Aws]:
    with Aws() as aws:
        yield aws


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """An empty AWS, and credentials for it in the environment."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    aws_server.reset()
    return aws_server


@cache
def description() -> Description:
    """What DigitalOcean's API is."""
    return Description(Path(__file__).parent / "data/digitalocean-openapi.json")


@pytest.fixture
def digitalocean(monkeypatch: pytest.MonkeyPatch) -> Iterator[do.Fake]:
    """An empty DigitalOcean, and a token for it in the environment. All that was said to it, and what it answered, has
    to be what the API's own description allows: there are no exceptions."""
    for name in ("DIGITALOCEAN_ACCESS_TOKEN", "DIGITALOCEAN_END_POINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", do.TOKEN)
    with do.Fake() as fake:
        yield fake
    assert description().violations(fake.exchanges) == []
