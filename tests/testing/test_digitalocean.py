"""The DigitalOcean of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from typing import Any

from provisioner.testing.digitalocean import TOKEN, Exchange, Fake, World
from provisioner.testing.digitalocean.booted import droplets_of
from tests.cloud.conftest import description

WEB = {"name": "web", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "region": "fra1", "user_data": "#cloud-config"}


def call(url: str, path: str, body: dict[str, Any] | None = None, method: str = "GET") -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Authorization": f"Bearer {TOKEN}"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def test_droplets_are_told_to_what_boots_them() -> None:
    with Fake(World(addresses=iter(["10.99.0.2"]).__next__)) as fake:
        id = call(fake.url, "droplets", WEB, "POST")["droplet"]["id"]
        assert [(each.id, each.state, each.address) for each in droplets_of(fake)] == [(str(id), "on", "")]
        call(fake.url, f"droplets/{id}")
        call(fake.url, f"droplets/{id}")
        (instance,) = droplets_of(fake)
        assert (instance.address, instance.user_data) == ("10.99.0.2", "#cloud-config")
        assert (instance.meta["droplet_id"], instance.meta["hostname"]) == (id, "web")
        assert instance.meta["interfaces"]["public"][0]["mac"] == "02:42:0a:63:00:02"
        call(fake.url, f"droplets/{id}", method="DELETE")
        assert [each.state for each in droplets_of(fake)] == ["gone"]


def test_it_runs_by_itself_for_trying_out() -> None:
    command = [sys.executable, "-m", "provisioner.testing.digitalocean", "0", "shop.example"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().partition("=")[2]
        assert process.stdout.readline() == f"export DIGITALOCEAN_TOKEN={TOKEN}\n"
        assert call(url, "domains/shop.example/records")["meta"]["total"] == 0
        process.terminate()


def test_answers_that_the_api_would_not_give_are_found() -> None:
    def exchange(path: str, status: int, content: Any, query: str = "") -> Exchange:
        return Exchange("GET", path, query, b"", status, json.dumps(content).encode())

    found = description().violations([
        exchange("/v2/account", 200, {"account": {"uuid": 1}}),
        exchange("/v2/tags", 202, {}),
        exchange("/v2/droplets", 200, {"droplets": [], "meta": {"total": 0}}, "per_page=1000&tags=a"),
        exchange("/v2/nothing", 200, {}),
    ])
    assert "GET /v2/account: 200: account/uuid: 1 is not of type 'string'" in found
    assert "GET /v2/tags: 202: no such answer" in found
    assert any(each.startswith("GET /v2/droplets: per_page: ") for each in found)
    assert "GET /v2/droplets: there is no parameter tags" in found
    assert "GET /v2/nothing: not in the description" in found
