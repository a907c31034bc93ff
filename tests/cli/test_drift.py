"""`provision drift` on this machine: what was applied and edited, what was never applied, what can't be checked."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner.cli.main import main
from tests.drift.mailserver import mail_server
from tests.drift.receiver import receiver

PLAYBOOK = """
- name: Site
  hosts: all
  gather_facts: false
  tasks:
    - name: Motd
      copy: {{content: "{{{{ text }}}}\\n", dest: "{folder}/motd"}}
      notify: Restart
    - name: Folders
      file: {{path: "{folder}/{{{{ item }}}}", state: directory, mode: "0755"}}
      loop: [one, two]
    - name: Version
      command: "true"
      check_mode: false
  handlers:
    - name: Restart
      file: {{path: "{folder}/restarted", state: directory}}
"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PROVISION_HISTORY")
    (tmp_path / "site.yml").write_text(PLAYBOOK.format(folder=tmp_path))
    return tmp_path


def run(command: str, *more: str, text: str = "hello") -> int:
    return main([command, "site.yml", "-i", "h1,", "-c", "local", "-e", f"text={text}", *more])


def drift(capsys: pytest.CaptureFixture[str], *more: str, code: int, text: str = "hello") -> dict[str, str]:
    """Names of findings -> their kinds."""
    capsys.readouterr()
    assert run("drift", "--json", *more, text=text) == code
    findings = json.loads(capsys.readouterr().out)["findings"]
    return {each["task"]["name"] + each["item"]: each["kind"] for each in findings}


def test_hand_made_changes_are_drift_and_changes_of_the_playbook_are_pending(
        site: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    assert drift(capsys, code=2) == {"Motd": "pending", "Foldersone": "pending", "Folderstwo": "pending"}
    assert run("apply") == 0
    assert drift(capsys, code=0) == {}
    (site / "motd").write_text("edited by hand\n")
    (site / "two").chmod(0o700)
    assert drift(capsys, code=2) == {"Motd": "drifted", "Folderstwo": "drifted"}
    assert drift(capsys, code=2, text="newer") == {"Motd": "pending", "Folderstwo": "drifted"}
    assert (site / "motd").read_text() == "edited by hand\n"
    assert run("apply") == 0
    assert drift(capsys, code=0) == {}


def test_a_plan_in_between_changes_nothing_about_what_is_drift(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply")
    (site / "motd").write_text("edited\n")
    run("plan", text="other")
    assert drift(capsys, code=2) == {"Motd": "drifted"}


def test_what_cannot_be_checked_wins(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply")
    with (site / "site.yml").open("a") as file:
        file.write("\n- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: Make, command: make}\n")
    assert drift(capsys, code=1) == {"Make": "unknown"}


def test_the_report_names_task_diff_and_sum(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply")
    (site / "motd").write_text("edited\n")
    capsys.readouterr()
    assert run("drift") == 2
    shown = capsys.readouterr().out
    for part in ("drifted: h1  Motd", "site.yml:6", "-edited", "+hello", "1 host checked: 1 drifted"):
        assert part in shown


def test_accepted_findings_are_counted_apart(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply")
    (site / "motd").write_text("edited\n")
    (site / "drift.yml").write_text("ignore: [{task: Motd, reason: agency, until: 2999-01-01}]")
    assert drift(capsys, code=0) == {}
    (site / "drift.yml").write_text("ignore: [{task: Motd, reason: agency, until: 2020-01-01}]")
    assert run("drift") == 2
    assert "a rule of drift.yml has ended" in capsys.readouterr().err


def test_metrics_are_written(site: Path) -> None:
    run("apply")
    assert run("drift", "--prometheus", "drift.prom") == 0
    text = (site / "drift.prom").read_text()
    assert 'provision_drift_items{site="site",host="h1",kind="drifted"} 0' in text
    assert "provision_drift_last_success_timestamp_seconds" in text


def test_without_the_record_nothing_could_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drift", "--no-history") == 5
    assert "compares with the recorded runs" in capsys.readouterr().err


def test_a_chat_is_told_when_what_is_found_has_changed(site: Path) -> None:
    run("apply")
    with receiver(200, 500, 500, 500, 200) as (url, told):
        assert run("drift", "--webhook", url) == 0
        assert told == []
        (site / "motd").write_text("edited\n")
        assert [run("drift", "--webhook", url) for _ in range(2)] == [2, 2]
        assert told == ["site: 1 host checked: 1 drifted\n• drifted: h1  Motd"]
        run("apply")
        assert run("drift", "--webhook", url) == 0  # it is not well: the next check tells it again
        assert run("drift", "--webhook", url) == 0
        assert told[-1] == "site: 1 host checked: in sync"


def test_while_an_apply_changes_the_host_a_check_says_so_and_calls_nothing_drift(
        site: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    run("apply")
    (site / "motd").write_text("edited\n")
    (site / "long.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks: [{command: 'sh -c \"touch begun; while test -f begun; do "
        f"sleep .1; done\"', args: {{chdir: {site}}}}}]\n")  # fmt: skip
    apply = subprocess.Popen([sys.executable, "-m", "provisioner", "apply", "long.yml", "-i", "h1,", "-c", "local"],
                             stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        while not (site / "begun").exists():
            assert apply.poll() is None
            time.sleep(0.05)
        assert drift(capsys, code=1) == {"Motd": "unknown"}
    finally:
        (site / "begun").unlink(missing_ok=True)
        assert apply.wait(120) == 0
    assert drift(capsys, code=2) == {"Motd": "drifted"}


def test_the_address_of_a_webhook_is_not_recorded(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply")
    assert run("drift", "--webhook", "http://127.0.0.1:9/canary-4711") == 0  # in sync: nothing is sent
    assert [path for path in (site / "state").iterdir() if b"canary-4711" in path.read_bytes()] == []


def test_a_person_is_told_by_mail_when_what_is_found_has_changed(site: Path) -> None:
    run("apply")
    (site / "motd").write_text("edited\n")
    with mail_server() as box:
        (site / "provision.toml").write_text(
            f'smtp_server = "127.0.0.1:{box.port}"\nmail_from = "provision@example.com"\n')  # fmt: skip
        box.refused = frozenset(["ada@example.com"])
        assert run("drift", "--email", "ada@example.com") == 2  # refused: the next check tells it
        box.refused = frozenset()
        assert [run("drift", "--email", "ada@example.com") for _ in range(2)] == [2, 2]
    assert [mail["Subject"] for mail in box.mails] == ["site: 1 host checked: 1 drifted"]
    assert "• drifted: h1  Motd" in box.mails[0].get_content()


def fixed(capsys: pytest.CaptureFixture[str], *more: str, code: int, text: str = "hello") -> tuple[set[str], set[str]]:
    """Names of (what was fixed, what is found afterwards)."""
    capsys.readouterr()
    assert run("drift", "--json", "--fix", *more, text=text) == code
    told = json.loads(capsys.readouterr().out)
    return tuple({each["task"]["name"] + each["item"] for each in told[what]} for what in ("fixed", "findings"))  # type: ignore[return-value]


def test_fixing_applies_what_has_drifted_with_its_handlers_and_nothing_else(
        site: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    run("apply")
    (site / "restarted").rmdir()
    (site / "motd").write_text("edited\n")
    (site / "two").chmod(0o700)
    (site / "site.yml").write_text(PLAYBOOK.format(folder=site).replace("[one, two]", "[one, two, three]"))
    assert fixed(capsys, "-y", code=2) == ({"Motd", "Folderstwo"}, {"Foldersthree"})
    assert ((site / "motd").read_text(), (site / "two").stat().st_mode & 0o777) == ("hello\n", 0o755)
    assert ((site / "restarted").is_dir(), (site / "three").exists()) == (True, False)
    assert drift(capsys, code=2) == {"Foldersthree": "pending"}
    (site / "motd").write_text("again\n")
    assert drift(capsys, code=2) == {"Motd": "drifted", "Foldersthree": "pending"}


def test_handlers_of_what_is_pending_do_not_run_while_something_else_is_fixed(
        site: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    run("apply")
    (site / "restarted").rmdir()
    (site / "two").chmod(0o700)
    assert fixed(capsys, "-y", code=2, text="newer") == ({"Folderstwo"}, {"Motd"})
    assert (site / "motd").read_text() == "hello\n"
    assert not (site / "restarted").exists()


def test_only_the_named_hosts_and_tasks_are_fixed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply")
    (site / "motd").write_text("edited\n")
    (site / "two").chmod(0o700)
    assert fixed(capsys, "-y", "--only-host", "db*", code=2) == (set(), {"Motd", "Folderstwo"})
    assert fixed(capsys, "-y", "--only-task", "Fold*", "--only-host", "h*", code=2) == ({"Folderstwo"}, {"Motd"})
    assert (site / "motd").read_text() == "edited\n"
    assert main(["drift", "site.yml", "--only-task", "Motd"]) == 5
    assert "say --fix" in capsys.readouterr().err


def test_nothing_is_fixed_that_nobody_agreed_to(
        site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    run("apply")
    (site / "motd").write_text("edited\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run("drift", "--fix") == 5
    assert "hosts would be changed, and there is nobody to ask" in capsys.readouterr().err
    assert (site / "motd").read_text() == "edited\n"


def test_what_cannot_be_fixed_is_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = "    - name: Restart\n      command: 'false'\n"
    text = PLAYBOOK.format(folder=site)
    (site / "site.yml").write_text(text[:text.index("    - name: Restart")] + handler)
    assert run("apply") == 2
    (site / "motd").write_text("edited\n")
    assert fixed(capsys, "-y", code=1) == ({"Motd"}, {"Restart"})


def test_fixing_is_a_run_that_changes_hosts_and_counts_only_what_it_did(
        site: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    run("apply")
    (site / "two").chmod(0o700)
    fixed(capsys, "-y", code=2, text="newer")
    main(["history", "--json"])
    checked, newest, before, *_ = json.loads(capsys.readouterr().out)
    assert (newest["checked"], newest["hosts"]["h1"]["changed"], before["checked"], checked["checked"]) == (
        False, 2, True, True)  # the folder, and `Version`, which always runs
    assert newest["command"][:1] == ["drift"]
    assert "--fix" in newest["command"]
    main(["history", "show", "last~1"])
    shown = capsys.readouterr().out
    assert ("two" in shown, "[Motd]" in shown) == (True, False)
