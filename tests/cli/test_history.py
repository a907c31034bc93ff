"""Runs are recorded by `apply` and `plan`, and told by `history` and `report`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.cli.main import main

PLAYBOOK = """
- name: Site
  hosts: all
  gather_facts: false
  vars: {{token: "{secret}"}}
  tasks:
    - name: A file
      copy: {{content: "{{{{ text }}}}\\n", dest: "{folder}/file"}}
    - name: Unchanged
      file: {{path: "{folder}", state: directory}}
    - name: Say
      command: {{argv: [echo, "token is {{{{ vaulted }}}}"]}}
"""
CANARY = "canary-4711-s3cret"


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PROVISION_HISTORY", raising=False)
    (tmp_path / "site.yml").write_text(PLAYBOOK.format(folder=tmp_path, secret="x"))
    (tmp_path / "password").write_text("opens the vault")
    assert main(["vault", "encrypt-string", "--vault-password-file", "password", "--name", "vaulted", CANARY]) == 0
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(capsys.readouterr().out)
    return tmp_path


def run(command: str, text: str, *more: str) -> int:
    return main([command, "site.yml", "-i", "h1,", "-c", "local", "--vault-password-file", "password", "-e",
                 f"text={text}", *more])  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def test_every_run_is_listed_with_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "one") == run("apply", "one") == 0
    (folder := Path("file")).unlink()
    folder.mkdir()
    assert run("apply", "one") == 2
    lines = told(capsys, "history").splitlines()
    assert [line.split()[0] for line in lines] == ["RESULT", "failed", "changed", "changed"]
    assert "apply site.yml -i h1, -c local" in lines[1]
    assert "plan site.yml" in lines[3]
    assert len(json.loads(told(capsys, "history", "--failed", "--json"))) == 1
    assert told(capsys, "history", "--host", "elsewhere") == "no run was recorded that fits\n"
    assert len(told(capsys, "history", "--since", "1h", "-n", "2").splitlines()) == 3


def test_one_run_is_shown_with_its_diffs_and_without_what_did_not_change(capsys: pytest.CaptureFixture[str]) -> None:
    run("apply", "one", "-D")
    shown = told(capsys, "history", "show", "last")
    assert "+one" in shown
    assert "Unchanged" not in shown
    assert "exit code 0" in shown
    assert "ok: [h1]" in told(capsys, "history", "show", "last", "-v")


def test_two_runs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    run("apply", "one")
    run("apply", "one")
    assert "h1  A file: changed -> ok" in told(capsys, "history", "diff", "last~1", "last", code=2)
    assert "no task went another way" in told(capsys, "history", "diff", "last", "last")


def test_reports_are_the_same_at_once_and_from_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run("apply", "one", "--json", "--junit", "now.xml")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = [line for line in lines if line["type"] not in ("host_begin", "log")]
    again = [json.loads(line) for line in told(capsys, "report", "last", "--format", "json").splitlines()]
    assert [line["type"] for line in again] == [line["type"] for line in wanted]
    assert again[-1] == wanted[-1]
    assert told(capsys, "report", "last", "--format", "junit") == Path("now.xml").read_text()
    assert told(capsys, "report", "last", "-o", "run.html") == ""
    assert Path("run.html").read_text().startswith("<!doctype html>")


def test_secrets_are_nowhere_in_the_record_or_the_reports(site: Path) -> None:
    assert run("apply", "one", "-D", "-vvvv", "--html", "r.html", "--junit", "r.xml", "-e", f"other={CANARY}") == 0
    files = [*(site / "state").iterdir(), *site.glob("r.*")]
    assert {"history.db", "r.html", "r.xml"} <= {path.name for path in files}
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("switch", ["option", "variable"])
def test_it_can_be_switched_off(switch: str, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if switch == "variable":
        monkeypatch.setenv("PROVISION_HISTORY", "off")
    assert run("apply", "one", *(["--no-history"] if switch == "option" else [])) == 0
    assert not (site / "state" / "history.db").exists()


def test_a_run_that_cannot_be_recorded_goes_on(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "state").mkdir()
    (site / "state" / "history.db").mkdir()
    assert run("apply", "one") == 0
    assert capsys.readouterr().err.count("this run is not recorded") == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (["history", "show", "nope"], "there is no run"), (["history", "--since", "soon"], "no time"),
    (["report", "last~7"], "there is no run")])
def test_mistakes_are_told(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply", "one")
    assert main(arguments) == 5
    assert message in capsys.readouterr().err
