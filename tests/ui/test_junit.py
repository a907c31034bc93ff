from __future__ import annotations

from xml.etree import ElementTree

import pytest

from provisioner.events import Event, PlayStarted, TaskRef, TaskResult
from provisioner.ui.junit import junit
from provisioner.values import HostName

H = HostName("h1")
TASK = TaskRef("1", "Install", "apt", "site.yml:9", role="base")


def parsed(*events: Event) -> ElementTree.Element:
    return ElementTree.fromstring(junit([(event, 1_700_000_000.0) for event in events]))


def test_a_play_is_a_suite_and_a_task_on_a_host_a_case() -> None:
    root = parsed(PlayStarted("Web", (H,)), TaskResult(H, TASK, "ok", {}, 1500.0), PlayStarted("Db", (H,)),
                  TaskResult(H, TASK, "changed", {}, 500.0))  # fmt: skip
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [("Web", "1"), ("Db", "1")]
    case = root[0][0]
    assert case.attrib == {"name": "[h1] base : Install", "classname": "site.yml:9", "time": "1.500"}
    assert root.get("time") == "2.000"


@pytest.mark.parametrize(("status", "inner", "count"), [
    ("failed", "failure", "failures"), ("unreachable", "failure", "failures"), ("unknown", "error", "errors"),
    ("skipped", "skipped", "skipped")])  # fmt: skip
def test_what_did_not_go_well_says_why(status: str, inner: str, count: str) -> None:
    root = parsed(TaskResult(H, TASK, status, {"msg": "because", "stderr": "one\ntwo"}))
    assert (root[0][0][0].tag, root[0][0][0].get("message")) == (inner, "because")
    assert root.get(count) == root[0].get(count) == "1"


def test_an_ignored_failure_is_none() -> None:
    assert len(parsed(TaskResult(H, TASK, "failed", {"msg": "no"}, ignored=True))[0][0]) == 0


def test_changes_are_the_output_of_the_case() -> None:
    root = parsed(TaskResult(H, TASK, "changed", {"diff": {"before": "a <b>\n", "after": "c ]]>\n"}}))
    assert "-a <b>\n+c ]]>" in (root[0][0].findtext("system-out") or "")


def test_hostile_text_is_text() -> None:
    evil = "</testcase>&\"'\x1b]52;\x00\udcff\u202e"
    root = parsed(TaskResult(H, TaskRef("1", evil, "x"), "failed", {"msg": evil, "stderr": evil}))
    shown = "</testcase>&\"'\\x1b]52;\\x00\\udcff\\u202e"
    assert root[0][0].get("name") == f"[h1] {shown}"
    assert root[0][0][0].text == shown
