"""The pages in a real browser: they follow a run, draw their plots, fit a phone, and whatever hosts say is text."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from provisioner.history.db import connect
from provisioner.web.export import export
from provisioner.web.serving import Pages
from tests.web.examples import EVIL_WORD, NOW, SCHEDULES

CHROMIUM = Path("/usr/bin/chromium")
TOKEN = "0123456789abcdef-token"
PHONE = (375, 812)
DESK = (1280, 800)
PATHS = ("/", "/runs", "/runs/a00000000006", "/runs/a00000000008", "/runs/eeee00000001", "/hosts", "/hosts/web-1",
         "/hosts/%3Cscript%3Eevil%3C%2Fscript%3E", "/drift", "/apps", "/machines", "/schedules")  # fmt: skip
PATIENCE = 60_000  # milliseconds; the machine may be busy


@dataclass
class Tab:
    """A page of a browser, and what it did: addresses it asked for, words on its console."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs {CHROMIUM}")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=PATIENCE * 2)
        yield started
        started.close()


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The address of a server of this record."""
    pages = Pages(file, TOKEN, frozenset({"127.0.0.1"}), lambda: SCHEDULES, lambda: NOW)
    server = make_server("127.0.0.1", 0, pages, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def base(filled: Path) -> Iterator[str]:
    with served(filled) as address:
        yield address


@contextmanager
def tab(browser: Browser, size: tuple[int, int] = DESK, scheme: str = "light") -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]},
                                  color_scheme="dark" if scheme == "dark" else "light")  # fmt: skip
    context.set_default_timeout(PATIENCE)
    opened = Tab(context.new_page())
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    opened.page.on("console", lambda message: opened.said.append(message.text))
    yield opened
    context.close()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_fits_asks_nobody_else_and_breaks_no_rule(browser: Browser, base: str,
                                                             size: tuple[int, int]) -> None:
    with tab(browser, size) as opened:
        page = opened.page
        page.goto(f"{base}/?token={TOKEN}")
        assert TOKEN not in page.url
        for path in PATHS:
            page.goto(base + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
            assert page.title() != "owned"
            assert page.locator("main script, main img").count() == 0
            assert page.locator("h1").count() == 1
        assert {url.partition(base)[0] for url in opened.asked} == {""}
        assert opened.said == []


def test_what_a_host_says_is_text(browser: Browser, base: str) -> None:
    with tab(browser) as opened:
        opened.page.goto(f"{base}/runs/eeee00000001?token={TOKEN}")
        shown = opened.page.locator("main").inner_text()
        assert "<script>document.title='owned'</script><img src=x" in shown
        assert "\\x1b[2J\\u202e" in shown
        assert opened.page.title() == "Run eeee00000001 · provision"
        assert opened.said == []


def test_plots_are_drawn(browser: Browser, base: str) -> None:
    with tab(browser) as opened:
        page = opened.page
        page.goto(f"{base}/drift?token={TOKEN}")
        rects = page.locator("svg.plot rect")
        assert rects.count() > 50
        sizes = rects.evaluate_all("all => all.map(e => [e.getBoundingClientRect().width, "
                                   "e.getBoundingClientRect().height, getComputedStyle(e).fill])")  # fmt: skip
        assert all(width > 1 and height >= 2 for width, height, _ in sizes)
        assert {colour for _, _, colour in sizes} == {"rgb(196, 33, 43)", "rgb(143, 95, 0)", "rgb(117, 70, 207)"}
        page.locator("details.numbers summary").click()
        expect(page.locator("details.numbers tbody tr").first).to_be_visible()
        page.goto(f"{base}/apps")
        assert page.locator("svg.plot").last.locator("circle").count() == 4  # releases of the shop
        assert page.locator("svg.plot").last.locator("path").count() == 1  # the way back


def test_findings_are_searched_by_the_address(browser: Browser, base: str) -> None:
    with tab(browser) as opened:
        page = opened.page
        page.goto(f"{base}/drift?token={TOKEN}")
        page.get_by_label("Kind").select_option("pending")
        page.get_by_role("button", name="Search").click()
        page.wait_for_url("**/drift?host=&kind=pending")
        assert page.locator("main details.line").count() == 1
        assert page.get_by_label("Kind").input_value() == "pending"


def test_dark_is_what_the_machine_or_the_reader_wants(browser: Browser, base: str) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    with tab(browser, scheme="dark") as opened:
        page = opened.page
        page.goto(f"{base}/?token={TOKEN}")
        assert page.evaluate(colour) == "rgb(15, 18, 22)"
        page.get_by_role("button", name="Light").click()
        assert page.evaluate(colour) == "rgb(246, 247, 249)"
        page.goto(f"{base}/runs")
        assert page.evaluate(colour) == "rgb(246, 247, 249)"


def test_a_run_of_another_process_is_followed_to_its_end(browser: Browser, tmp_path: Path) -> None:
    """That process begins, and goes on whenever it gets a line."""
    file = tmp_path / "history.db"
    program = ("import sys, pathlib\nfrom provisioner.history.writer import Recorder\n"
               "from tests.web.examples import NOW, apply\n"
               "recorder = Recorder(pathlib.Path(sys.argv[1]))\n"
               "parts = apply('abc', failed=True)\n"
               "for part in (parts[:4], parts[4:-2], parts[-2:]):\n"
               "    [recorder.handle(event, NOW) for event in part]\n"
               "    recorder.flush()\n"
               "    print('written', flush=True)\n"
               "    sys.stdin.readline()\n"
               "recorder.close()\n")  # fmt: skip
    with (subprocess.Popen([sys.executable, "-c", program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           text=True) as process, served(file) as base, tab(browser) as opened):  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def go_on() -> None:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

        process.stdout.readline()
        page = opened.page
        page.goto(f"{base}/runs/abc?token={TOKEN}")
        expect(page.locator("#head h1")).to_contain_text("running")
        assert page.locator(".task").count() == 1
        diff = page.locator(".task details").first
        diff.locator("summary").click()  # what the reader has shut stays so
        assert not diff.evaluate("e => e.open")
        go_on()
        expect(page.locator(".task")).to_have_count(2, timeout=PATIENCE)
        expect(page.locator(".task").first.locator("h3")).to_contain_text("2 ok", timeout=PATIENCE)
        assert not page.locator(".task details").first.evaluate("e => e.open")
        go_on()
        expect(page.locator("#head h1")).to_contain_text("failed", timeout=PATIENCE)
        expect(page.locator(".task").last).to_contain_text("No package matching")
        go_on()
        assert opened.said == []


def test_schedules_tell_how_their_last_run_went_and_when_the_next_is(browser: Browser, base: str) -> None:
    with tab(browser) as opened:
        page = opened.page
        page.goto(f"{base}/?token={TOKEN}")
        page.get_by_role("link", name="Schedules").click()
        expect(page.locator("h1")).to_contain_text("Schedules")
        rows = page.locator("tbody tr")
        assert [rows.nth(number).inner_text().split("\t") for number in range(rows.count())] == [
            ["drift-site", "every 15 min", "15 min ago", "differs", "in 1 min", "drift site.yml -i hosts"],
            ["night", "*-*-* 03:00", "never", "-", "off", f"apply {EVIL_WORD} --yes"]]  # fmt: skip
        assert opened.said == []


def test_an_export_works_from_files(browser: Browser, filled: Path, tmp_path: Path) -> None:
    with closing(connect(filled)) as db:
        export(db, tmp_path / "site", NOW, 50, SCHEDULES)
    with tab(browser) as opened:
        page = opened.page
        page.goto((tmp_path / "site" / "index.html").as_uri())
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
        page.get_by_role("button", name="Dark").click()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 22)"
        page.get_by_role("link", name="drift site.yml").click()
        expect(page.locator("h1")).to_contain_text("drift site.yml")
        assert opened.said == []
