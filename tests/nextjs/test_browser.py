"""A tab that stays open over releases, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, Response, sync_playwright

from provisioner.lab import Lab
from provisioner.testing import matrix
from provisioner.testing.releases import Releases

APPS = Path(__file__).parent / "apps"
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 60_000  # milliseconds


@dataclass
class Tab:
    """A page, and what went wrong in it."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("response", self._note_response)

    def _note_console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.problems.append(said.text)

    def _note_response(self, answer: Response) -> None:
        if answer.status >= 400:
            self.problems.append(f"{answer.status} from {answer.url}")

    def text(self, name: str) -> str:
        """Of the element with this id, once it has any."""
        self.page.wait_for_function("id => document.getElementById(id)?.textContent", arg=name)
        return self.page.inner_text(f"#{name}")


@pytest.fixture
def app(lab: Lab, tmp_path: Path) -> Iterator[Releases]:
    hosts = lab.up(["one"])
    yield Releases(hosts, lab.inventory_file, tmp_path)
    lab.down([host.name for host in hosts])


@pytest.fixture
def tab() -> Iterator[Tab]:
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs {CHROMIUM}")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Tab(browser.new_page())
        browser.close()


@pytest.mark.timeout(1200)
def test_a_tab_that_was_opened_two_releases_ago_goes_on(app: Releases, tab: Tab) -> None:
    app.bring([*matrix.parts(APPS, 16), APPS / "tab"])
    matrix.release_one(app, "release 0")
    tab.page.goto(f"http://{app.hosts[0].address}/")
    assert tab.text("page") == "release 0"
    tab.page.evaluate("window.kept = true")
    for number in (1, 2):
        matrix.release_one(app, f"release {number}")

    tab.page.click("#load")
    assert tab.text("lazy") == "lazy of release 0"
    tab.page.click("#greet")
    assert tab.text("greeted") == "tab greeted by release 2"
    tab.page.click("#sign")
    assert tab.text("signed") == "made by release 0, signed by release 2"
    assert tab.page.evaluate("window.kept"), "nothing of this has loaded the page anew"

    tab.page.click("#away")
    assert tab.text("other") == "other of release 2"
    assert not tab.page.evaluate("window.kept"), "Next.js itself loads the page of another release anew"
    tab.page.evaluate("window.kept = true")
    tab.page.click("#back")
    assert tab.text("page") == "release 2"
    assert tab.page.evaluate("window.kept"), "from then on it goes from page to page as ever"
    assert tab.problems == []
