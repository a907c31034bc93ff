"""Credentials: closed files on the host, and that systemd hands them to the app, its jobs and commands, and to nobody
else."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.nextjs import jobs
from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.unit import unit_text
from provisioner.remote.nextjs import credentials
from provisioner.remote.nextjs.layout import Layout
from provisioner.testing.driving import Shown
from provisioner.testing.inprocess import make_context
from provisioner.testing.nextjs import Site
from provisioner.values import HostName, Secret

VALUES = {"db-password": "canary-one\nline two", "empty": ""}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the files belong to root")


def unit(slot: str) -> str:
    settings = read_settings({"name": "shop", "source": "s", "credentials": {"b": Secret("canary"), "a": "canary"}})
    return unit_text(settings, slot, node="22.23.3", machine="x86_64", manual_signal_handling=False, sharp=False)


def test_the_unit_names_the_files_of_its_slot_and_no_value() -> None:
    assert "LoadCredential=a:/etc/shop/b.credentials/a\nLoadCredential=b:/etc/shop/b.credentials/b\n" in unit("b")
    assert "LoadCredential=a:/etc/shop/credentials/a\n" in unit("single")
    assert "canary" not in unit("a")


def test_a_job_gets_those_of_the_live_release() -> None:
    settings = read_settings({"name": "shop", "source": "s", "credentials": {"a": "canary"},
                              "cron": [{"name": "mail", "schedule": "daily", "command": "true"}]})  # fmt: skip
    text = jobs.units(settings, "web1")["shop-cron-mail.service"]
    assert "SetCredential=a:\nLoadCredential=a:/etc/shop/current.credentials/a\n" in text
    assert "canary" not in text


def test_more_than_systemd_takes_is_refused_without_showing_it() -> None:
    assert credentials.oversize(VALUES) is None
    assert "canary" not in str(credentials.oversize({"a": "canary" * 200_000}))


def test_a_difference_tells_names_and_never_a_value() -> None:
    before, after = credentials.difference({"same": "canary", "a": "canary-1"}, {"same": "canary", "a": "canary-2"})
    assert before == "a ******** (old)\nsame ********\n"
    assert after == "a ******** (new)\nsame ********\n"


@needs_root
def test_there_are_exactly_those_that_are_given_and_root_alone_reads_them(tmp_path: Path) -> None:
    ctx, folder = make_context(), str(tmp_path / "a.credentials")
    assert credentials.are(ctx, folder, {})
    credentials.write(ctx, folder, {"old": "x", "empty": "not yet"})
    credentials.write(ctx, folder, VALUES)
    assert credentials.read(ctx, folder) == VALUES
    assert credentials.are(ctx, folder, VALUES)
    assert (tmp_path / "a.credentials").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a.credentials/db-password").stat().st_mode & 0o777 == 0o600
    (tmp_path / "a.credentials/empty").chmod(0o644)
    assert credentials.access(ctx, folder) == {"db-password": None, "empty": "0644 root:root"}
    assert not credentials.are(ctx, folder, VALUES)
    credentials.write(ctx, folder, {})
    assert not (tmp_path / "a.credentials").exists()


@needs_root
def test_what_is_lent_to_a_command_is_gone_afterwards(tmp_path: Path) -> None:
    layout = Layout(f"test{os.getpid()}")
    with credentials.lent(make_context(), layout, "root", VALUES) as variables:
        folder = Path(variables["CREDENTIALS_DIRECTORY"])
        assert (folder / "db-password").read_text() == VALUES["db-password"]
    assert not folder.exists()
    with credentials.lent(make_context(), layout, "root", {}) as variables:
        assert variables == {}


# -- on a real host --------------------------------------------------------------------------------------------

ROUTE = """import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export const dynamic = 'force-dynamic';

export async function GET() {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  if (!folder) return new Response('none');
  return new Response(createHash('sha256').update(await readFile(`${folder}/db-password`)).digest('hex'));
}
"""
TELL = "sha256sum < $CREDENTIALS_DIRECTORY/db-password"


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def only(site: Site, value: str | None, **more: Any) -> tuple[Mapping[str, Any], Shown]:
    given = {} if value is None else {"db-password": Secret(value), "other": Secret("canary-other")}
    results, shown, _ = site.deploy(hosts=1, credentials=given, **more)
    name = HostName(site.hosts[0].name)
    assert "canary-" not in repr(results) + repr(shown[name].events)
    return results[name], shown[name]


def inspected(site: Site) -> list[dict[str, Any]]:
    return list(site.call("nextjs_inspect", name="example")["findings"])


@pytest.fixture(scope="module")
def app(site: Site) -> Site:
    (site.source / "app/api/credential").mkdir()
    (site.source / "app/api/credential/route.js").write_text(ROUTE)
    result, _ = only(site, "canary-one")
    assert not result.get("failed"), result
    return site


lab = pytest.mark.timeout(1800)  # the first deploy builds, on a machine that may be busy


@lab
def test_the_app_reads_a_file_that_nobody_else_does(app: Site) -> None:
    assert app.get("/api/credential") == digest("canary-one")
    slot = app.slot()
    assert app.shell(f"stat -c '%a %U %n' /etc/example/{slot}.credentials /etc/example/{slot}.credentials/*") == (
        f"700 root /etc/example/{slot}.credentials\n600 root /etc/example/{slot}.credentials/db-password\n"
        f"600 root /etc/example/{slot}.credentials/other")  # fmt: skip
    pid = app.shell(f"systemctl show -P MainPID example@{slot}.service")
    assert "canary-one" not in app.shell(f"tr '\\0' '\\n' < /proc/{pid}/environ; cat /proc/{pid}/cmdline")
    score = app.shell(f"systemd-analyze security example@{slot}.service | tail -1")
    assert float(score.split(": ")[1].split()[0]) <= 1.5, score
    assert inspected(app) == []
    assert not only(app, "canary-one")[0]["changed"]


@lab
def test_commands_hooks_and_jobs_get_them_too(app: Site) -> None:
    assert app.program("exec", "--", "sh", "-c", TELL).stdout.split()[0] == digest("canary-one")
    cron = [{"name": "tell", "schedule": "*:*:*", "command": TELL}]
    hook = f"({TELL}; stat -c '%a %U' $CREDENTIALS_DIRECTORY) > /srv/example/shared/cache/told"
    result, _ = only(app, "canary-one", cron=cron, hooks={"before_switch": hook}, env={"GREETING": "another"})
    assert not result.get("failed"), result
    assert app.shell("cat /srv/example/shared/cache/told; rm /srv/example/shared/cache/told") == (
        f"{digest('canary-one')}  -\n500 example")  # fmt: skip
    assert app.shell("ls -d /run/provisioner-* || true") == ""
    deadline = time.monotonic() + 60
    while digest("canary-one") not in (said := app.shell("journalctl -o cat -u example-cron-tell")):
        assert time.monotonic() < deadline, said
        time.sleep(0.5)
    assert not only(app, "canary-one", env={"GREETING": "another"})[0].get("failed")


@lab
def test_another_value_is_a_release_and_going_back_brings_the_earlier_one(app: Site) -> None:
    app.edit("app/page.js", "<h1>", "<h1>Later ")
    result, shown = only(app, "canary-two")
    assert not result.get("failed"), result
    assert app.get("/api/credential") == digest("canary-two")
    done = app.program("rollback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert app.get("/api/credential") == digest("canary-one")
    assert inspected(app) == []
    app.edit("app/page.js", "<h1>Later ", "<h1>")
    result, shown = only(app, "canary-three", check=True)
    (part,) = [part for part in shown.step("Start the release")["diff"] if "credentials" in part["after_header"]]
    assert "db-password ******** (new)\nother ********\n" in part["after"]


@lab
def test_what_was_changed_by_hand_is_found(app: Site) -> None:
    folder = f"/etc/example/{app.slot()}.credentials"
    app.shell(f"cp -a {folder} /root/kept; printf changed > {folder}/db-password; chmod 0644 {folder}/other; "
              f"printf more > {folder}/more")  # fmt: skip
    found = {(each["what"].rpartition(":")[2].strip(), each["found"]) for each in inspected(app)}
    assert found >= {("db-password", "another value"), ("more", "not given to the process"),
                     (f"{folder}/other", "0644 root:root")}  # fmt: skip
    app.shell(f"rm -r {folder}; mv /root/kept {folder}")
    assert inspected(app) == []


@lab
def test_a_release_that_is_not_well_leaves_the_earlier_value(app: Site) -> None:
    only(app, "canary-one")
    result, _ = only(app, "canary-bad", health={"path": "/no-such-page", "timeout": 5})
    assert result["failed"]
    assert app.get("/api/credential") == digest("canary-one")
    assert app.shell("grep -rl canary-bad /etc/example /run || true") == ""


@lab
def test_without_credentials_nothing_is_left_of_them(app: Site) -> None:
    result, _ = only(app, None)
    assert not result.get("failed"), result
    assert app.get("/api/credential") == "none"
    folders = f"/etc/example/{app.slot()}.credentials /etc/example/current.credentials"
    assert app.shell(f"ls -d {folders} 2>/dev/null || true") == ""
