"""What `provision drift` tells of a deployed app: nothing while it works, every change by hand by its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from provisioner.testing.nextjs import CANARY, Site, load
from tests.nextjs.edits import EDITS, KEEP, PUT_BACK, named

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # the first deploy builds, on a machine that may be busy



def provision(site: Site, command: str, *more: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    task = {"name": "Run it", "nextjs_app": site.arguments(**settings)}
    (site.scratch / "drift.yml.playbook").write_text(
        json.dumps([{"name": "Web", "hosts": "all", "gather_facts": False, "tasks": [task]}]))  # fmt: skip
    site.words("list")  # writes the inventory
    environment = {**os.environ, "PROVISION_STATE_DIR": str(site.scratch / "drift-state"), "PROVISION_HISTORY": "on"}
    return subprocess.run(
        [sys.executable, "-m", "provisioner", command, "drift.yml.playbook", "-i", "app.ini", "--json", *more],
        cwd=site.scratch, env=environment, text=True, capture_output=True, check=False, timeout=900)  # fmt: skip


def drifts(site: Site, *more: str, **settings: Any) -> tuple[int, dict[str, str]]:
    """Exit code, and of each finding its part -> its kind."""
    ran = provision(site, "drift", *more, **settings)
    assert CANARY not in ran.stdout
    told = json.loads(ran.stdout)["findings"]
    assert {(each["task"]["name"], each["play"]) for each in told} <= {("Run it", "Web")}, told
    return ran.returncode, {each["part"]: each["kind"] for each in told}


@pytest.fixture(scope="module")
def app(site: Site) -> Site:
    ran = provision(site, "apply")
    assert ran.returncode == 0, (ran.stdout[-3000:], ran.stderr[-1000:])
    return site


def test_an_app_at_work_has_not_drifted(app: Site) -> None:
    with load(app.hosts[0].address, clients=4, pause=0.5):
        assert drifts(app) == (0, {})


def test_changes_by_hand_are_named_and_left_alone_and_what_a_deploy_mends_is_fixed(app: Site) -> None:
    release, slot = str(app.journal()["live"]["release"]), app.slot()
    home, unit = f"/srv/example/releases/{release}", f"example@{slot}.service"
    file, env = f"/etc/systemd/system/{unit}", f"/etc/example/{slot}.env"
    app.shell(f"cp -a {file} {env} {home}/next.config.mjs /etc/nginx/conf.d/example.conf /root/")
    try:
        app.shell(f"mkdir {file}.d; printf '[Service]\\nNice=5\\n' > {file}.d/nice.conf; systemctl daemon-reload;"
                  f"echo '//' >> {home}/next.config.mjs; echo 'EXTRA=\"1\"' >> {env};"
                  f"sed -i s/127.0.0.1/127.0.0.9/ /etc/nginx/conf.d/example.conf; systemctl stop {unit}")  # fmt: skip
        before = app.listing()
        code, found = drifts(app)
        assert (code, app.listing()) == (2, before)
        assert set(found.values()) == {"drifted"}
        assert found.keys() >= {"", f"unit: {unit}", f"unit: {unit}: state", f"release: {home}"}
        ran = provision(app, "drift", "--fix", "-y")
        told = json.loads(ran.stdout)
        assert [each["task"]["name"] for each in told["fixed"]] == ["Run it"], told
        assert app.get("/api/health")
        assert {each["part"] for each in told["findings"]} == {f"release: {home}"}
    finally:
        app.shell(f"rm -rf /etc/systemd/system/example@*.service.d; cp -a /root/next.config.mjs {home}/;"
                  f"systemctl daemon-reload")  # fmt: skip
    assert drifts(app) == (0, {})


@pytest.mark.parametrize(("edit", "kind"), list({kind: (edit, kind) for edit, kind, _ in reversed(EDITS)}.values()))
def test_an_edit_is_drift_of_the_task_of_the_app_and_left_alone(app: Site, edit: str, kind: str) -> None:
    command, back = named(app, edit), named(app, PUT_BACK)
    app.shell(KEEP)
    try:
        app.shell(command)
        before = app.listing()
        code, found = drifts(app)
        assert (code, set(found.values()), app.listing()) == (2, {"drifted"}, before)
        assert [part for part in found if part.partition(":")[0] == kind], found
    finally:
        app.shell(back)
    assert drifts(app) == (0, {})


def test_a_new_source_is_pending(app: Site) -> None:
    page = app.source / "app/echo-pending.txt"
    page.write_text("new")
    try:
        assert drifts(app) == (2, {"": "pending"})
    finally:
        page.unlink()


def test_a_certificate_that_is_about_to_end_is_drift_of_the_app_and_left_alone(app: Site) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "shop.key", "-out", "shop.pem", "-days", "10", "-subj", "/CN=shop.example.com",
                    "-addext", "subjectAltName=DNS:shop.example.com"], cwd=app.scratch, check=True,
                   capture_output=True)  # fmt: skip
    site = {"domain": "shop.example.com", "https": {"certificate": "shop.pem", "key": "shop.key"}}
    ran = provision(app, "apply", **site)
    assert ran.returncode == 0, (ran.stdout[-3000:], ran.stderr[-1000:])
    before = app.listing()
    assert drifts(app, **site) == (2, {"certificate: shop.example.com": "drifted"})
    assert app.listing() == before
