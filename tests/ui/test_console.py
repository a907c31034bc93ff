"""The words and line forms that people and greps know from ansible-playbook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.engine.batch import Options
from provisioner.events import (
    Event,
    HostBegan,
    HostStats,
    HostText,
    Included,
    ItemResult,
    MachineStep,
    NoHosts,
    PlayStarted,
    Retry,
    RunEnded,
    RunStarted,
    Step,
    TaskRef,
    TaskResult,
    TaskStarted,
    Warned,
)
from provisioner.testing.play import play
from provisioner.testing.terminal import FakeTerminal, KeptScreen
from provisioner.ui.colours import coloured
from provisioner.ui.console import Console
from provisioner.ui.live import LiveScreen
from provisioner.values import HostName

H = HostName("h1")
TASK = TaskRef("1", "Do it", "command", "site.yml:5")


def shown(*events: Event, verbosity: int = 0, screen: KeptScreen | None = None) -> str:
    screen = screen or KeptScreen()
    console = Console(screen, verbosity)
    for event in events:
        console.handle(event, 0.0)
    return screen.text


def result(status: str, data: dict[str, Any] | None = None, task: TaskRef = TASK, **more: Any) -> TaskResult:
    return TaskResult(H, task, status, data or {}, **more)


def played(tmp_path: Path, text: str, **more: Any) -> str:
    """What a real play says; `yum` does as its arguments tell."""
    def module(host: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"changed": False, **args}

    events = play("- hosts: all\n  name: Web\n  gather_facts: false\n" + text, hosts=["h1", "h2"],
                  modules={"yum": module}, directory=tmp_path, actions=Registry(), **more).events
    return shown(*events).replace(f"{tmp_path}/", "")


def test_a_play_reads_as_ansibles(tmp_path: Path) -> None:
    assert played(tmp_path, """
  tasks:
    - {name: Install, yum: {changed: true}, notify: Restart}
    - {name: Each, yum: {changed: "{{ item == 'b' }}"}, loop: [a, b]}
    - {name: Not here, yum: {}, when: inventory_hostname == "h2"}
    - {name: Breaks, yum: {failed: true, msg: "no such thing"}, when: inventory_hostname == "h1", ignore_errors: true}
    - {name: Tell, debug: {msg: [one, two]}, when: inventory_hostname == "h1"}
  handlers:
    - {name: Restart, yum: {}}
""") == """
PLAY [Web] *********************************************************************

TASK [Install] *****************************************************************
changed: [h1]
changed: [h2]

TASK [Each] ********************************************************************
ok: [h1] => (item=a)
changed: [h1] => (item=b)
ok: [h2] => (item=a)
changed: [h2] => (item=b)

TASK [Not here] ****************************************************************
skipping: [h1]
ok: [h2]

TASK [Breaks] ******************************************************************
skipping: [h2]
[ERROR]: Task failed: no such thing
Origin: site.yml:9

    7 |     - {name: Each, yum: {changed: "{{ item == 'b' }}"}, loop: [a, b]}
    8 |     - {name: Not here, yum: {}, when: inventory_hostname == "h2"}
    9 |     - {name: Breaks, yum: {failed: true, msg: "no such thing"}, when: inventory_hostname == "h1", ig…

fatal: [h1]: FAILED! => {"changed": false, "msg": "no such thing"}
...ignoring

TASK [Tell] ********************************************************************
ok: [h1] => {
    "msg": [
        "one",
        "two"
    ]
}
skipping: [h2]

RUNNING HANDLER [Restart] ******************************************************
ok: [h1]
ok: [h2]"""


def test_failed_and_skipped_items_are_told_one_by_one(tmp_path: Path) -> None:
    text = played(tmp_path, """
  tasks:
    - {name: Each, yum: {failed: "{{ item == 2 }}", msg: broken}, loop: [1, 2], ignore_errors: true}
    - {name: None, yum: {}, loop: [1, 2], when: false}
""")
    failed = 'failed: [h1] (item=2) => {"ansible_loop_var": "item", "changed": false, "item": 2, "msg": "broken"}'
    assert "ok: [h1] => (item=1)\n[ERROR]: Task failed: broken\nOrigin: site.yml:6\n\n" in text
    assert f"\n\n{failed}\n...ignoring\n" in text
    assert "skipping: [h1] => (item=1)\nskipping: [h1] => (item=2)\nskipping: [h1]\n" in text


def test_check_mode_tells_what_cannot_be_known(tmp_path: Path) -> None:
    text = played(tmp_path, """
  tasks:
    - {name: Run, yum: {unknown: "`make` is not run in check mode"}}
    - {name: Each, yum: {unknown: "not run"}, loop: [1]}
""", options=Options(check=True))
    assert "unknown: [h1] => `make` is not run in check mode\n" in text
    assert "unknown: [h1] => (item=1) => not run\n" in text


def test_a_rescued_failure_is_told_like_any_other(tmp_path: Path) -> None:
    text = played(tmp_path, """
  tasks:
    - block:
        - {name: Breaks, yum: {failed: true, msg: x}}
      rescue:
        - {name: Mend, yum: {}}
""")
    assert 'fatal: [h1]: FAILED! => {"changed": false, "msg": "x"}\n' in text
    assert text.count("TASK [Mend]") == 1


@pytest.mark.parametrize(("event", "line"), [
    (TaskStarted(TaskRef("1", "Copy", "copy", role="base")),
     "\nTASK [base : Copy] *************************************************************"),
    (TaskStarted(TaskRef("1", "Reload", "service", role="base", handler=True)),
     "\nRUNNING HANDLER [base : Reload] ************************************************"),
    (TaskStarted(TaskRef("1", "x" * 90, "copy")), f"\nTASK [{'x' * 90}] ***"),
    (NoHosts("Web"), "skipping: no hosts matched"),
    (NoHosts("Web", "all of them failed before"), "skipping: no hosts matched (all of them failed before)"),
    (result("ok", delegate="db"), "ok: [h1 -> db]"),
    (ItemResult(H, TASK, "a", "changed", {}, delegate="db"), "changed: [h1 -> db] => (item=a)"),
    (result("unreachable", {"changed": False, "unreachable": True, "msg": "no route"}),
     "[ERROR]: Task failed: no route\nOrigin: site.yml:5\n\n"
     'fatal: [h1]: UNREACHABLE! => {"changed": false, "msg": "no route", "unreachable": true}'),
    (result("unreachable", {"msg": "gone"}, ignored=True),
     '[ERROR]: Task failed: gone\nOrigin: site.yml:5\n\nfatal: [h1]: UNREACHABLE! => {"msg": "gone"}\n...ignoring'),
    (Included("/p/tasks.yml", (H,), TASK), "included: /p/tasks.yml for h1"),
    (Included("/p/tasks.yml", (H, HostName("h2")), TASK, "a"), "included: /p/tasks.yml for h1, h2 => (item=a)"),
    (Retry(H, TASK, 2, {"rc": 1}), "FAILED - RETRYING: [h1]: Do it (2 retries left)."),
    (result("ok", {"changed": False, "msg": "All assertions passed"}, TaskRef("1", "Sane", "assert")),
     'ok: [h1] => {\n    "changed": false,\n    "msg": "All assertions passed"\n}'),
    (MachineStep("shop", "machine web-1", "verify", "failed", "no answer. Its console ends with:\n  \x1b[Hlogin:", 9),
     "failed: [machine web-1]: no answer. Its console ends with:\n    \\x1b[Hlogin:"),
    (Step(H, TASK, "Build the app", "changed", 83_000), "  changed: [h1] Build the app (1:23)"),
    (Step(H, TASK, "Install", "ok", 3210), "  ok: [h1] Install (3.2 s)"),
    (Step(H, TASK, "Prune", "skipped", 0, {"msg": "nothing to do"}), "  skipping: [h1] Prune => nothing to do"),
    (Step(H, TASK, "Start", "unknown", 0, {"unknown": "no build yet"}), "  unknown: [h1] Start => no build yet"),
])
def test_line_forms(event: Event, line: str) -> None:
    assert shown(event) == line


def test_a_failed_step_shows_the_end_of_its_output() -> None:
    failed = Step(H, TASK, "Build", "failed", 0, {"msg": "exit code 1"})
    assert shown(HostText(H, TASK, "stdout", "a\nb\n"), failed) == (
        "  failed: [h1] Build => exit code 1\n    | output:\n    |   a\n    |   b")


def test_a_loop_that_got_to_no_item_says_why() -> None:
    assert shown(result("skipped", {"results": []}, loop=True)) == "skipping: [h1]"
    assert shown(result("unknown", {"unknown": "list of the hosts"}, loop=True)) == "unknown: [h1] => list of the hosts"
    lost = {"failed": True, "msg": "One or more items failed", "results": [{"failed": True, "msg": "sudo refused"}]}
    assert shown(result("failed", lost, loop=True)) == (
        '[ERROR]: Task failed: sudo refused\nOrigin: site.yml:5\n\nfatal: [h1]: FAILED! => {"msg": "sudo refused"}')


def test_the_headline_is_not_repeated_for_hosts_that_come_later() -> None:
    assert shown(TaskStarted(TASK), result("ok"), TaskStarted(TASK), result("ok")).count("TASK [") == 1


def test_a_failure_shows_real_lines_below_the_one_with_json() -> None:
    failed = result("failed", {"msg": "non-zero return code", "rc": 1, "stderr": "first\nsecond", "stdout": "",
                               "cmd": "x" * 60})
    error, origin, empty, line, *block = shown(failed).split("\n")
    assert (error, origin, empty) == ("[ERROR]: Task failed: non-zero return code", "Origin: site.yml:5", "")
    assert line.startswith('fatal: [h1]: FAILED! => {"cmd": ')
    assert block == ["  | stderr:", "  |   first", "  |   second"]


def test_a_message_with_a_place_of_its_own_needs_no_other() -> None:
    text = shown(result("failed", {"msg": "site.yml:6:9: 'x' is undefined"}))
    assert text.startswith("[ERROR]: Task failed: 'x' is undefined\nOrigin: site.yml:6:9\n\nfatal: ")


def test_the_recap_has_a_line_for_each_host() -> None:
    stats = {HostName("web-2"): HostStats(ok=12, failed=1), HostName("web-1"): HostStats(ok=3, changed=1, unknown=2)}
    assert shown(RunEnded(2, stats, 1000.0)) == """
PLAY RECAP *********************************************************************
web-1                      : ok=3    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0    unknown=2
web-2                      : ok=12   changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
"""  # noqa: E501


def test_a_run_that_an_error_ended_has_no_recap() -> None:
    assert shown(RunEnded(1, {H: HostStats(ok=1)}, 1000.0)) == ""


def test_diffs_come_before_the_line() -> None:
    assert shown(result("changed", {"diff": {"before": "a\n", "after": "b\n"}})) == (
        "--- before\n+++ after\n@@ -1 +1 @@\n-a\n+b\n\nchanged: [h1]")


def test_warnings_go_to_standard_error_and_only_once() -> None:
    screen = KeptScreen()
    shown(Warned("old key", "a.yml:3:1"), Warned("old key", "a.yml:3:1"), Warned("slow\nand\told", host="h1"),
          result("ok", {"warnings": ["odd"]}), screen=screen)
    assert screen.err == ["[WARNING]: a.yml:3:1: old key", "[WARNING]: [h1] slow\n  and\\x09old", "[WARNING]: odd"]
    assert screen.out == ["ok: [h1]"]


def test_v_shows_results_and_live_output() -> None:
    text = shown(TaskStarted(TASK), HostBegan(H, TASK), HostText(H, TASK, "stdout", "one\ntwo\n"),
                 result("changed", {"rc": 0, "stdout": "one\ntwo", "stdout_lines": ["one", "two"]}), verbosity=1)
    assert text.endswith('    h1 | one\n    h1 | two\nchanged: [h1] => {"rc": 0, "stdout": "one\\ntwo"}')


def test_output_of_a_task_that_is_not_at_the_headline_names_its_task() -> None:
    other = TaskRef("2", "Later", "command")
    assert shown(TaskStarted(TASK), HostText(H, other, "stdout", "x\n"), verbosity=1).endswith("    h1 | Later: x")


def test_without_v_live_output_is_not_printed_but_shown_when_the_task_fails() -> None:
    text = shown(HostText(H, TASK, "stdout", "x\n"), result("failed", {"msg": "killed"}))
    assert text.endswith('\n\nfatal: [h1]: FAILED! => {"msg": "killed"}\n  | output:\n  |   x')


def test_with_v_a_failure_does_not_repeat_what_was_shown_live() -> None:
    assert shown(HostText(H, TASK, "stdout", "x\n"), result("failed", {"msg": "m", "stdout": "x"}),
                 verbosity=1).count("x\n") == 1


def test_vv_shows_where_things_stand() -> None:
    text = shown(RunStarted("r", ("site.yml",), False, False, "1", plays=(2,)), PlayStarted("P", (H,), "site.yml:1"),
                 TaskStarted(TASK), verbosity=2)
    assert "PLAYBOOK: site.yml ***" in text
    assert "\n2 plays in site.yml\n" in text
    assert "play path: site.yml:1" in text
    assert "task path: site.yml:5" in text


def test_facts_are_only_shown_with_three_v() -> None:
    facts = result("ok", {"ansible_facts": {"a": 1}}, TaskRef("1", "Gathering Facts", "setup"))
    assert shown(facts, verbosity=2) == "ok: [h1]"
    assert '"a": 1' in shown(facts, verbosity=3)


EVIL = "\x1b]0;pwn\x07\r\u202e[/x][link=x]\n\x9b2J"


@pytest.mark.parametrize("verbosity", [0, 1, 3])
def test_h6_h7_nothing_from_hosts_or_files_reaches_the_terminal_as_a_command(verbosity: int) -> None:
    task = TaskRef("1", EVIL, "command", EVIL, role=EVIL)
    host = HostName(EVIL)
    data = {"msg": EVIL, "stdout": EVIL, "hint": EVIL, "exception": EVIL, "warnings": [EVIL], EVIL: EVIL,
            "diff": {"before": EVIL, "after": "x", "before_header": EVIL, "prepared": EVIL}}
    screen = KeptScreen()
    shown(RunStarted("r", (EVIL,), False, False, "1"), PlayStarted(EVIL, (host,), EVIL), NoHosts(EVIL, EVIL),
          TaskStarted(task), HostText(host, task, "stdout", EVIL), Step(host, task, EVIL, "failed", 1, data),
          ItemResult(host, task, EVIL, "ok", data), ItemResult(host, task, EVIL, "failed", data),
          Retry(host, task, 1, data), Included(EVIL, (host,), task, EVIL), Warned(EVIL, EVIL), Warned(EVIL, host=EVIL),
          *(TaskResult(host, task, status, data, delegate=EVIL)
            for status in ("ok", "changed", "skipped", "failed", "unreachable", "unknown")),
          TaskResult(host, TaskRef("2", "t", "debug"), "ok", data), RunEnded(0, {host: HostStats()}, 1),
          screen=screen, verbosity=verbosity)
    assert all(line.isprintable() for text in (*screen.out, *screen.err) for line in text.split("\n"))
    assert "[/x][link=x]" in screen.text


@pytest.mark.parametrize(("told", "lines"), [
    ({"msg": "m", "item": 1}, ['    "msg": "m"']),
    ({"x": 3, "item": 1}, ['    "item": 1,', '    "x": 3']),
])
def test_debug_tells_its_message_alone_or_the_variable_with_the_item(told: dict[str, Any], lines: list[str]) -> None:
    data = {"changed": False, "ansible_loop_var": "item", **told}
    text = shown(ItemResult(H, TaskRef("2", "t", "debug"), "1", "ok", data))
    assert text.splitlines() == ["ok: [h1] => (item=1) => {", *lines, "}"]


def test_colours_are_ansibles() -> None:
    screen = KeptScreen()
    console = Console(screen, paint=coloured)
    for event in (result("ok"), result("changed"), result("skipped"), result("failed", {"msg": "m"})):
        console.handle(event, 0.0)
    assert screen.out == ["\x1b[0;32mok: [h1]\x1b[0m", "\x1b[0;33mchanged: [h1]\x1b[0m",
                          "\x1b[0;36mskipping: [h1]\x1b[0m",
                          "\x1b[0;31m[ERROR]: Task failed: m\x1b[0m\n\x1b[0;31mOrigin: site.yml:5\x1b[0m\n\n"
                          '\x1b[0;31mfatal: [h1]: FAILED! => {"msg": "m"}\x1b[0m']


def test_the_live_area_follows_the_hosts() -> None:
    terminal, now = FakeTerminal(), [0.0]
    screen = LiveScreen(terminal, terminal, lambda: os.terminal_size((80, 24)), lambda: now[0])
    console = Console(screen)
    console.handle(HostBegan(H, TaskRef("1", "Build", "command"), "a"), 0)
    console.handle(HostText(H, TASK, "stdout", "10%\r20%\r"), 0)
    now[0] = 2.0
    console.handle(Warned("x"), 0)
    with screen._lock:
        screen._draw()
    assert terminal.screen == ["[WARNING]: x", "  h1     2 s  Build (item=a) | 20%"]
    console.handle(result("ok"), 0)
    console.close()
    assert terminal.screen == ["[WARNING]: x", "ok: [h1]"]


@pytest.mark.parametrize("wanted", [True, False])
def test_what_set_stats_keeps_is_told_at_the_end_where_it_is_wanted(wanted: bool) -> None:
    screen = KeptScreen()
    console = Console(screen, shows_custom_stats=wanted)
    stats = {"ansible_stats": {"data": {"moved": 3}, "per_host": False, "aggregate": True}}
    console.handle(result("ok", stats, TaskRef("1", "Count", "set_stats", "site.yml:5")), 0.0)
    console.handle(RunEnded(0, {H: HostStats(ok=1)}, 1), 0.0)
    assert ('\tRUN: {"moved": 3}' in screen.text) == ("CUSTOM STATS" in screen.text) == wanted
