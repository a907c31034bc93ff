"""The page of a run in a real browser: it has its style, and nothing from hosts is ever more than text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from provisioner.events import PlayStarted, RunStarted, TaskRef, TaskResult
from provisioner.ui.page import page
from provisioner.values import HostName

EVIL = "<script>document.title='owned'</script><img src=//h.invalid/x onerror=\"document.title='owned'\">"
CHROMIUM = Path("/usr/bin/chromium")


def test_it_is_styled_and_runs_and_loads_nothing(tmp_path: Path) -> None:
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs {CHROMIUM}")
    task = TaskRef("1", EVIL, "x", EVIL)
    result = {"msg": EVIL, "diff": {"before": "", "after": f"{EVIL}\n"}}
    file = tmp_path / "run.html"
    file.write_text(page([(event, 0.0) for event in (
        RunStarted("abc", ("site.yml",), False, False, "1.0"), PlayStarted(EVIL, (HostName("h1"),)),
        TaskResult(HostName("h1"), task, "failed", result))]))  # fmt: skip
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        requests: list[str] = []
        complaints: list[str] = []
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto(file.as_uri())
        assert tab.title() == "Run abc"
        assert requests == [file.as_uri()]
        assert complaints == []
        assert tab.locator("script, img").count() == 0
        assert tab.locator("h2").first.inner_text() == f"Play: {EVIL}"
        assert tab.locator("pre .added").first.evaluate("e => getComputedStyle(e).color") == "rgb(26, 127, 55)"
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
