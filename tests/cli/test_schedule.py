"""`provision schedule` where systemd says yes to all: what is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.cli.main import main


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho ActiveState=active\n"
                       "echo 'NextElapseUSecRealtime=Mon 2026-11-23 02:27:04 UTC'\n")  # fmt: skip
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("PROVISION_HISTORY")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yml").write_text("- {hosts: all, gather_facts: false, tasks: [{command: 'true'}]}\n")
    return tmp_path


def add(*words: str) -> int:
    return main(["schedule", "add", "--user", *words])


def units(site: Path) -> list[Path]:
    return sorted((site / "config/systemd/user").glob("provision-*"))


def test_a_schedule_is_written_shown_and_removed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add("every 15 min", "drift", "site.yml", "-i", "h1,") == 0
    assert "drift-site: every 15 min, next on" in capsys.readouterr().out
    service, timer = (path.read_text() for path in units(site))
    assert f"WorkingDirectory={site}\n" in service
    assert "drift site.yml -i h1,\n" in service
    assert "OnCalendar=*-*-* *:00/15:00" in timer
    assert main(["schedule", "list", "--user"]) == 0
    shown = capsys.readouterr().out
    assert "drift-site  every 15 min  -" in shown
    assert main(["schedule", "list", "--user", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["result"], found["next"]) == ("drift-site", "-", 1795400824.0)
    assert main(["schedule", "remove", "--user", "drift-site"]) == 0
    assert units(site) == []


def test_how_the_last_run_ended_is_told_in_words(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add("hourly", "drift", "site.yml", "-i", "h1,")
    for ending, words in (("success 0", "in sync"), ("success 2", "differs"), ("exit-code 1", "not all checked"),
                          ("timeout TERM", "timed out"), ("exit-code 250", "failed (250)")):  # fmt: skip
        (site / "state/schedules/drift-site").write_text(f"{ending} 1795400767\n")
        capsys.readouterr()
        main(["schedule", "list", "--user"])
        assert f"  {words}  " in capsys.readouterr().out


def test_surroundings_that_decide_what_a_run_does_are_kept(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_DRIFT_WEBHOOK", "http://chat/canary")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "token")
    monkeypatch.setenv("NOT_FOR_IT", "x")
    assert add("--env", "DIGITALOCEAN_TOKEN", "hourly", "drift", "site.yml", "-i", "h1,") == 0
    (kept,) = (site / "config/provisioner/schedules").iterdir()
    text = kept.read_text()
    assert 'PROVISION_DRIFT_WEBHOOK="http://chat/canary"' in text
    assert 'DIGITALOCEAN_TOKEN="token"' in text
    assert f'PROVISION_STATE_DIR="{site / "state"}"' in text
    assert "NOT_FOR_IT" not in text
    assert not any("canary" in path.read_text() for path in units(site))


@pytest.mark.parametrize(("words", "message"), [
    (("every 7 min", "drift", "site.yml"), "does not divide"),
    (("0 0 30 2 *", "drift", "site.yml"), "never run"),
    (("hourly", "drift", "site.yml", "--bogus"), "No such option '--bogus'"),
    (("hourly", "drift", "nosite.yml"), "`nosite.yml` does not exist"),
    (("hourly", "drift", "wrong.yml"), "wrong.yml:1"),
    (("hourly", "drift", "site.yml", "-K"), "nobody is there to answer"),
    (("hourly", "drift", "site.yml", "--vault-id", "a@prompt"), "nobody is there to answer"),
    (("hourly", "drift", "site.yml", "--webhook", "http://chat/canary"), "PROVISION_DRIFT_WEBHOOK"),
    (("hourly", "drift", "site.yml", "--email", "nobody"), "not an address"),
    (("hourly", "drift", "site.yml", "--html", "no/such/page.html"), "can't be written"),
    (("hourly", "drift", "site.yml", "--no-history"), "without the history"),
    (("hourly", "drift", "site.yml", "--list-hosts"), "only lists"),
    (("hourly", "drift", "site.yml", "--fix", "--yes"), "somebody who looks"),
    (("hourly", "apply", "site.yml"), "say --yes"),
    (("hourly", "vault", "view"), "can't be scheduled"),
    (("--name", "a b", "hourly", "drift", "site.yml"), "can't name a schedule"),
    (("--key", "open.key", "hourly", "drift", "site.yml"), "others can read open.key"),
    (("--env-file", "no.env", "hourly", "drift", "site.yml"), "no file no.env"),
    (("--credential", "open.key", "hourly", "drift", "site.yml"), "not NAME=FILE"),
    (("--env", "NO_SUCH_VARIABLE", "hourly", "drift", "site.yml"), "no such variable"),
    (("--time-limit", "soon", "hourly", "drift", "site.yml"), "no duration"),
])  # fmt: skip
def test_what_would_fail_each_night_fails_now(
        site: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str) -> None:  # fmt: skip
    (site / "wrong.yml").write_text("- {hosts: all, task: []}\n")
    (site / "open.key").write_text("x")
    (site / "open.key").chmod(0o644)
    assert add(*words, "-i", "h1,") != 0
    told = capsys.readouterr().err
    assert message in told
    assert "canary" not in told
    assert units(site) == []


def test_a_machine_without_systemd_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                           site: Path) -> None:  # fmt: skip
    (site / "bin/systemctl").write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2; exit 1\n")
    assert add("hourly", "drift", "site.yml", "-i", "h1,") == 5
    assert "systemd can't be asked" in capsys.readouterr().err
    assert units(site) == []
