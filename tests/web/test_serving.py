from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.test import Client

from provisioner.web.schedules import SchedulesPage
from provisioner.web.serving import Pages
from tests.web.examples import NOW, SCHEDULES

TOKEN = "0123456789abcdef-token"
PATHS = ("/", "/runs", "/runs?q=apply&host=web-1&command=apply&result=failed&before=99", "/runs/a00000000006",
         "/runs/a00000000006?host=web-1&status=ok", "/runs/eeee00000001", "/hosts", "/hosts?q=web&status=ok",
         "/hosts/web-1", "/hosts/nobody", "/hosts/%3Cscript%3Eevil%3C%2Fscript%3E", "/drift",
         "/drift?kind=drifted&host=web", "/apps", "/machines", "/schedules")  # fmt: skip


@pytest.fixture
def client(file: Path) -> Client:
    return Client(Pages(file, TOKEN, frozenset({"localhost", "127.0.0.1", "[::1]"}), lambda: SCHEDULES, lambda: NOW))


@pytest.fixture
def reader(client: Client) -> Client:
    """One who has opened the address with the token."""
    assert client.get("/", query_string={"token": TOKEN}).status_code == 303
    return client


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_text_that_escapes_and_runs_nothing(reader: Client, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<img" not in answer.text
    assert "style=" not in answer.text
    assert "\x1b" not in answer.text
    assert "\u202e" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_schedules_are_asked_for_at_each_request(file: Path) -> None:
    answers = iter([SchedulesPage(()), SchedulesPage((), "no systemd <here>")])
    reader = Client(Pages(file, TOKEN, frozenset({"localhost"}), lambda: next(answers), lambda: NOW))
    reader.get("/", query_string={"token": TOKEN})
    assert "There is no schedule" in reader.get("/schedules").text
    assert "Not known: no systemd &lt;here&gt;" in reader.get("/schedules").text


def test_control_sequences_are_shown(reader: Client) -> None:
    assert "&gt;\\x1b[2J\\u202e" in reader.get("/runs/eeee00000001").text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8420", "",
                                  "169.254.1.1"])
def test_a_name_that_leads_here_gets_nothing(reader: Client, host: str) -> None:
    answer = reader.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "apply site.yml" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1:8420", "[::1]:8420"])
def test_names_of_this_machine_are_known(client: Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 403  # only the token is missing


@pytest.mark.parametrize("path", ["/", "/runs/a00000000006", "/static/style.css", "/nothing"])
def test_without_the_token_there_is_nothing(client: Client, path: str) -> None:
    assert client.get(path).status_code == 403
    assert client.get(path, query_string={"token": "wrong"}).status_code == 403
    client.set_cookie("provision-web", "wrong")
    assert client.get(path).status_code == 403


def test_the_token_leaves_the_address_for_a_cookie_that_scripts_and_other_sites_cannot_use(client: Client) -> None:
    answer = client.get("/runs", query_string={"q": "a&b", "token": TOKEN})
    assert answer.headers["Location"] == "/runs?q=a%26b"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_the_way_in_never_leads_to_another_server(client: Client) -> None:
    answer = client.get("//evil.example/", query_string={"token": TOKEN})
    assert answer.headers["Location"].startswith("/")
    assert not answer.headers["Location"].startswith("//")


def test_two_servers_on_one_machine_have_cookies_of_their_own(client: Client) -> None:
    answer = client.get("/", query_string={"token": TOKEN}, headers={"Host": "localhost:8421"})
    assert answer.headers["Set-Cookie"].startswith("provision-web-8421=")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_shows(reader: Client, method: str) -> None:
    assert reader.open("/runs", method=method).status_code == 405


@pytest.mark.parametrize("path", ["/runs/nope", "/runs/nope/live", "/static/../serving.py", "/static/page.html", "/x"])
def test_what_is_not_there_is_not_found(reader: Client, path: str) -> None:
    assert reader.get(path).status_code == 404


def test_a_run_that_ended_is_sent_once_more_and_then_left_alone(reader: Client) -> None:
    answer = reader.get("/runs/a00000000006/live?after=9999")
    assert answer.status_code == 200
    assert answer.headers["X-Ended"] == "1"
    assert "data-live" not in reader.get("/runs/a00000000006").text


@pytest.mark.parametrize("name", ["style.css", "page.js", "icon.svg"])
def test_what_pages_load_is_there(reader: Client, name: str) -> None:
    answer = reader.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
