from __future__ import annotations

import re
from html.parser import HTMLParser

from provisioner.events import (
    Event,
    HostStats,
    Included,
    ItemResult,
    NoHosts,
    PlayStarted,
    RunEnded,
    RunStarted,
    Step,
    TaskRef,
    TaskResult,
    Warned,
)
from provisioner.ui.page import page
from provisioner.values import HostName

H = HostName("h1")
TASK = TaskRef("1", "Install", "apt", "site.yml:9", role="base")
EVIL = "<script>alert(1)</script><img src=x onerror=y>'\"&\x1b]52;\u202e"


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(*events: Event) -> Elements:
    elements = Elements()
    elements.feed(page([(event, 1_700_000_000.0) for event in events]))
    return elements


def test_it_tells_the_run_its_hosts_and_what_happened() -> None:
    shown = read(RunStarted("abc", ("site.yml",), True, True, "1.0", ("plan", "site.yml")), PlayStarted("Web", (H,)),
                 TaskResult(H, TASK, "changed", {"diff": {"before": "a\n", "after": "b\n"}, "rc": 0}, 2500.0),
                 RunEnded(0, {H: HostStats(ok=1, changed=1)}, 3000.0)).text  # fmt: skip
    for part in ("Plan abc", "provision plan site.yml", "2023-11-14 22:13:20 UTC", "took 3.0 s, exit code 0",
                 "Play: Web",
                 "base : Install", "site.yml:9", "changed h1", "2.5 s", "-a", "+b", '"rc": 0'):  # fmt: skip
        assert part in shown


def test_a_run_without_an_end_says_so() -> None:
    assert "it has no end" in read(RunStarted("abc", ("site.yml",), False, False, "1.0")).text


def test_everything_from_outside_is_text_in_every_kind_of_event() -> None:
    task, host = TaskRef("1", EVIL, "x", EVIL, role=EVIL), HostName(EVIL)
    result = {EVIL: EVIL, "msg": EVIL, "diff": {"before": EVIL, "after": "", "before_header": EVIL}}
    elements = read(
        RunStarted(EVIL, (EVIL,), False, False, EVIL, (EVIL,)), PlayStarted(EVIL, (H,)), NoHosts(EVIL, EVIL),
        Warned(EVIL, EVIL), Included(EVIL, (host,), task), Step(host, task, EVIL, "failed", 1.0, result),
        ItemResult(host, task, EVIL, "changed", result), TaskResult(host, task, "failed", result),
        RunEnded(2, {host: HostStats(failed=1)}, 1.0))  # fmt: skip
    assert {tag for tag, _ in elements.tags} & {"script", "img"} == set()
    assert "\x1b" not in elements.text
    assert "\\x1b]52;\\u202e" in elements.text
    assert elements.text.count("<script>alert(1)</script>") > 15


def test_it_loads_and_runs_nothing() -> None:
    elements = read(RunStarted("abc", ("site.yml",), False, False, "1.0"))
    policy = next(attributes["content"] for tag, attributes in elements.tags
                  if attributes.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
    assert policy is not None
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/]+='; base-uri 'none'; form-action 'none'", policy)
    assert not any({"src", "href", "style"} & set(attributes) for _, attributes in elements.tags)
