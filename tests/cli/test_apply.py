"""From options to a request, and what a run on this machine says."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from provisioner.app import Request
from provisioner.cli.apply import apply as apply_command
from provisioner.cli.apply import output, request_of
from provisioner.cli.apply import plan as plan_command
from provisioner.cli.main import main
from provisioner.cli.options import RunOptions, run_options
from provisioner.engine.targets import ConnectionDefaults
from provisioner.ui.console import Console
from provisioner.ui.jsonl import JsonLines
from provisioner.ui.live import LiveScreen
from provisioner.ui.terminal import Terminal
from provisioner.values import Secret

TASKS = """
- hosts: all
  gather_facts: false
  tasks:
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def parsed(*arguments: str, given: str | None = None) -> RunOptions:
    found: list[RunOptions] = []

    @click.command()
    @run_options
    def command(options: RunOptions) -> None:
        found.append(options)

    result = CliRunner().invoke(command, ["site.yml", *arguments], input=given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return found[0]


def request(*arguments: str) -> Request:
    return request_of(parsed(*arguments))


def test_options_have_ansibles_names_and_meanings(tmp_path: Path) -> None:
    made = request("-i", "a.ini", "-i", "h1,h2", "-l", "web:!db", "-t", "a,b", "--tags", "c", "--skip-tags", "d, e",
                   "-e", "x=1", "-e", '{"y": [2]}', "-C", "-D", "-f", "20", "-u", "deploy", "-b", "--become-user",
                   "app", "--become-method", "sudo", "--private-key", "~/k", "-vvv", "-T", "7", "-c", "local",
                   "--force-handlers", "--accept-new-host-keys", "--state-dir", str(tmp_path / "here"))
    assert made == Request(
        playbooks=("site.yml",), inventories=("a.ini", "h1,h2"), check=True, diff=True, limit="web:!db",
        tags=frozenset("abc"), skip_tags=frozenset("de"), extra_vars={"x": "1", "y": [2]}, forks=20, verbosity=3,
        force_handlers=True,
        connection=ConnectionDefaults(
            connection="local", remote_user="deploy", private_key="~/k", become=True, become_user="app",
            become_method="sudo", timeout=7.0, host_key_checking="accept-new"),
        state_dir=tmp_path / "here", cache_dir=tmp_path / "cache" / "provisioner", record=True)


def test_defaults_ask_for_everything_and_nothing_special(tmp_path: Path) -> None:
    assert request() == Request(playbooks=("site.yml",), state_dir=tmp_path / "state",
                                cache_dir=tmp_path / "cache" / "provisioner", record=True, watch=True)


def test_the_directory_inventories_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "inventories").mkdir()
    assert request().inventories == ("inventories",)
    assert request("-i", "other").inventories == ("other",)


def test_plan_is_check_mode_with_diffs() -> None:
    made = request_of(parsed(), plan=True)
    assert (made.check, made.diff) == (True, True)


def test_passwords_are_read_from_a_pipe_and_the_second_defaults_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\n\n"))
    connection = request_of(RunOptions(("site.yml",), ask_pass=True, ask_become_pass=True)).connection
    assert (connection.password, connection.become_password) == (Secret("one"), Secret("one"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("two\n"))
    connection = request_of(RunOptions(("site.yml",), ask_become_pass=True)).connection
    assert (connection.password, connection.become_password) == (None, Secret("two"))


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("environ", "fancy"), [
    ({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ({"TERM": "xterm", "CI": "true"}, False), ({"TERM": "xterm", "NO_COLOR": ""}, True)])
def test_colours_and_the_live_area_need_a_terminal_that_wants_them(environ: dict[str, str], fancy: bool) -> None:
    assert Terminal.of(Tty(), environ).fancy is fancy
    assert Terminal.of(io.StringIO(), environ) == Terminal(79, False)


def test_the_output_is_json_plain_or_live(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(output(RunOptions((), json=True)), JsonLines)
    plain = output(RunOptions(()))
    assert isinstance(plain, Console)
    assert not isinstance(plain.screen, LiveScreen)
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Tty())
    assert not isinstance(getattr(output(RunOptions(())), "screen", None), LiveScreen)
    monkeypatch.setattr(sys, "stderr", Tty())
    assert isinstance(getattr(output(RunOptions(())), "screen", None), LiveScreen)


def run(command: click.Command, text: str, *arguments: str) -> tuple[int, str]:
    Path("site.yml").write_text(TASKS + text)
    result = CliRunner().invoke(command, ["site.yml", "-i", "h1,", "-c", "local", *arguments], catch_exceptions=False,
                                standalone_mode=False)
    assert isinstance(result.return_value, int)
    return result.return_value, result.output


def test_apply_changes_what_plan_names(tmp_path: Path) -> None:
    task = f"    - copy: {{content: new, dest: {tmp_path}/file}}\n"
    code, planned = run(plan_command, task)
    assert code == 0
    assert "+new" in planned
    assert not (tmp_path / "file").exists()
    code, applied = run(apply_command, task)
    assert code == 0
    assert "changed: [h1]" in applied
    assert "+new" not in applied
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize(("task", "code"), [
    ("    - debug: {msg: x}\n", 0),
    ("    - copy: {content: x, dest: ./file}\n", 2),
    ("    - command: make\n", 1),
    ("    - copy: {content: x, dest: ./file}\n    - fail: {msg: x}\n", 1),
])
def test_the_detailed_exit_code_of_plan(task: str, code: int) -> None:
    assert run(plan_command, task, "--detailed-exitcode")[0] == code


def test_a_failed_host_gives_2() -> None:
    code, text = run(apply_command, "    - fail: {msg: broken}\n")
    assert code == 2
    assert 'fatal: [h1]: FAILED! => {"changed": false, "msg": "broken"}' in text


def test_without_an_inventory_it_says_what_is_meant() -> None:
    Path("site.yml").write_text("- hosts: localhost\n  gather_facts: false\n")
    result = CliRunner().invoke(apply_command, ["site.yml"], standalone_mode=False)
    assert result.return_value == 0
    assert "[WARNING]: no inventory given with -i and no directory ./inventories: there is only the" in result.stderr


LISTED = """
- name: Web
  hosts: all
  tags: [web]
  pre_tasks:
    - {name: First, ping: , tags: a}
  tasks:
    - block:
        - ping:
        - {name: Never, ping: , tags: never}
      rescue:
        - {name: "Mend {{ x }}", ping: }
"""


def test_lists_are_laid_out_as_ansibles() -> None:
    Path("site.yml").write_text(LISTED)
    result = CliRunner().invoke(apply_command, ["site.yml", "-i", "h1,h2,h3", "-l", "!h2", "--list-hosts",
                                                "--list-tasks", "--list-tags"], catch_exceptions=False)
    assert result.output == """
playbook: site.yml

  play #1 (all): Web	TAGS: [web]
    pattern: ['all']
    hosts (2):
      h1
      h3
    tasks:
      First	TAGS: [a, web]
      ping	TAGS: [web]
      Mend {{ x }}	TAGS: [web]
      TASK TAGS: [a, web]
"""


def test_the_syntax_check_names_the_playbook_and_runs_nothing() -> None:
    code, text = run(apply_command, "    - fail: {msg: x}\n", "--syntax-check")
    assert (code, text) == (0, "\nplaybook: site.yml\n")


def test_all_variables_can_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    site = tmp_path / "site.yml"
    site.write_text("""
- hosts: localhost
  gather_facts: false
  vars: {broken: "{{ nowhere }}", python: "{{ ansible_playbook_python }}"}
  tasks: [{debug: {var: vars}}, {debug: {var: hostvars}}]
""")
    assert main(["apply", str(site), "--json"]) == 0
    events = map(json.loads, capsys.readouterr().out.splitlines())
    of_task, of_hosts = [event["result"] for event in events if event["type"] == "result"]
    assert of_task["vars"]["broken"] == "<< error 1 - 'nowhere' is undefined >>"
    assert of_task["vars"]["python"] == sys.executable
    assert of_task["vars"]["hostvars"] == of_hosts["hostvars"]
    assert of_hosts["hostvars"]["localhost"]["inventory_hostname"] == "localhost"
