"""Calls of python-digitalocean, as they are sent."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

import digitalocean
import pytest

from provisioner.cloud.errors import NotAllowed, PartialListing, Refused, Unavailable
from provisioner.cloud.providers.digitalocean.refusals import Lost
from provisioner.cloud.providers.digitalocean.wire import Wire
from provisioner.testing.digitalocean import TOKEN, Fake, Fault
from provisioner.testing.digitalocean.clock import Clock
from provisioner.values import Secret
from tests.cloud.conftest import description
from tests.cloud.providers.digitalocean.conftest import Bench

TOO_MANY = {"id": "too_many_requests", "message": "API rate limit exceeded."}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire(fake: Fake, clock: Clock) -> Wire:
    return Wire(fake.url, Secret(TOKEN), "digitalocean fra1", clock.patience())


def droplets(fake: Fake, number: int) -> None:
    body = {"name": "web", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "region": "fra1"}
    fake.world.droplet_limit = number
    one = Wire(fake.url, Secret(TOKEN), "fra1", Clock().patience())
    one.call("droplets", "POST", body)
    for id in range(2001, 2000 + number):
        fake.world.droplets[id] = {**fake.world.droplets[1001], "id": id}
        fake.world.unseen[id] = 0


# -- listings ----------------------------------------------------------------------------------------------------


def test_a9_a_listing_of_a_thousand_has_all_of_them(fake: Fake, wire: Wire) -> None:
    droplets(fake, 1003)
    assert len(wire.all("droplets", "droplets")) == 1003
    assert len(fake.calls("GET /v2/droplets")) == 6


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_later_page_that_fails_is_refused_where_the_plain_library_gives_a_part(
        status: int, fake: Fake, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    droplets(fake, 450)
    page_3 = Fault(r"GET /v2/droplets/?\?.*page=3", times=1000, status=status, content=TOO_MANY)
    fake.faults.append(page_3)
    with pytest.raises(PartialListing, match="page 3 is missing"):
        wire.all("droplets", "droplets")
    fake.exchanges.clear()  # the library's own are not ours to answer for

    def plain(self: digitalocean.Manager, url: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, url.strip("/"), *args, **kwargs)  # the fake, like the API's description, has no slashes

    original = digitalocean.Manager.get_data
    monkeypatch.setattr(digitalocean.Manager, "get_data", plain)
    there = digitalocean.Manager(token=TOKEN, end_point=fake.url).get_all_droplets()
    assert len(there) == 400
    fake.exchanges.clear()


def test_a_listing_that_says_there_are_more_is_refused(fake: Fake, wire: Wire) -> None:
    answer = {"droplets": [{"id": 1}], "links": {}, "meta": {"total": 2}}
    fake.faults.append(Fault("GET /v2/droplets", times=9, status=200, content=answer))
    with pytest.raises(PartialListing, match="1 came, while the API says there are 2"):
        wire.all("droplets", "droplets")
    assert len(fake.exchanges) == 3


def test_a_listing_that_changes_while_it_is_read_is_read_again(fake: Fake, wire: Wire) -> None:
    droplets(fake, 3)
    moved = {"droplets": [{"id": 1}, {"id": 1}], "links": {}, "meta": {"total": 2}}
    fake.faults.append(Fault("GET /v2/droplets", status=200, content=moved))
    assert len(wire.all("droplets", "droplets")) == 3


@pytest.mark.parametrize("content", [{}, {"droplets": None}, [], "<html>", {"droplets": [{"id": 1}]}])
def test_an_answer_that_is_no_listing_is_refused(fake: Fake, wire: Wire, content: Any) -> None:
    fake.faults.append(Fault("GET /v2/droplets", times=9, status=200, content=content))
    with pytest.raises(PartialListing):
        wire.all("droplets", "droplets")


@pytest.mark.parametrize("link", ["https://api.digitalocean.com/v2/droplets?page=2", "http://127.0.0.1:1/v2/droplets?page=2",
                                  "//evil.example/v2/droplets?page=2", "{url}images?page=2"])
def test_the_token_is_not_taken_to_where_a_next_link_points(fake: Fake, wire: Wire, link: str) -> None:
    pages = {"next": link.format(url=fake.url)}
    answer = {"droplets": [{"id": 1}], "links": {"pages": pages}, "meta": {"total": 2}}
    fake.faults.append(Fault("GET /v2/droplets", status=200, content=answer))
    with pytest.raises(PartialListing, match="the next page is said to be at"):
        wire.all("droplets", "droplets")
    assert len(fake.exchanges) == 1


def test_pages_that_go_in_a_circle_end(fake: Fake, wire: Wire) -> None:
    answer = {"droplets": [], "links": {"pages": {"next": f"{fake.url}droplets?page=1"}}, "meta": {"total": 1}}
    fake.faults.append(Fault("GET /v2/droplets", times=99, status=200, content=answer))
    with pytest.raises(PartialListing):
        wire.all("droplets", "droplets")


# -- retries -----------------------------------------------------------------------------------------------------


def test_a1_throttling_is_waited_for_as_long_as_the_api_asks(fake: Fake, wire: Wire, clock: Clock) -> None:
    fake.faults.append(Fault("GET /v2/account", times=5, status=429, content=TOO_MANY, headers={"retry-after": "7"}))
    assert wire.call("account")["account"]["status"] == "active"
    assert len(clock.waits) == 5
    assert all(7 <= wait <= 11 for wait in clock.waits)


def test_a1_a_call_that_was_not_let_in_is_made_again_even_if_it_creates(fake: Fake, wire: Wire) -> None:
    fake.faults.append(Fault("POST /v2/tags", times=2, status=429, content=TOO_MANY))
    assert wire.call("tags", "POST", {"name": "a"})["tag"]["name"] == "a"


def test_a1_backing_off_has_an_end(fake: Fake, wire: Wire, clock: Clock) -> None:
    fake.faults.append(Fault("GET", times=1000, status=429, content=TOO_MANY, headers={"retry-after": "100"}))
    with pytest.raises(Unavailable, match="API rate limit exceeded") as caught:
        wire.call("account")
    assert clock.now < 240
    assert caught.value.hint == "too many calls: run it again in 100 s"


def test_pauses_grow_and_are_never_the_same(fake: Fake, wire: Wire, clock: Clock) -> None:
    fake.faults.append(Fault("GET", times=6, status=503))
    wire.call("account")
    assert clock.waits[-1] > 4 * clock.waits[0]
    assert len(set(clock.waits)) == 6


def test_a_create_is_never_repeated_after_an_error_of_the_server(fake: Fake, wire: Wire) -> None:
    fake.faults.append(Fault("POST", status=500, after=True))
    with pytest.raises(Unavailable):
        wire.call("tags", "POST", {"name": "a"})
    assert len(fake.exchanges) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_answer_in_time_is_told(fake: Fake, clock: Clock, method: str) -> None:
    wire = Wire(fake.url, Secret(TOKEN), "fra1", clock.patience(read=0.2))
    fake.faults.append(Fault("tags", times=99, delay=0.5))
    with pytest.raises(Lost, match="no answer in time"):
        wire.call("tags", method, {"name": "a"} if method == "POST" else None)


def test_a_delete_whose_answer_was_lost_has_been_done(fake: Fake, wire: Wire) -> None:
    wire.call("tags", "POST", {"name": "a"})
    fake.faults.append(Fault("DELETE", after=True))
    assert wire.call("tags/a", "DELETE") is True
    assert [each.status for each in fake.calls("DELETE")] == [0, 404]


def test_a_server_that_is_not_there_is_told(clock: Clock) -> None:
    wire = Wire("http://127.0.0.1:1/v2/", Secret(TOKEN), "fra1", clock.patience())
    with pytest.raises(Lost, match="the connection failed"):
        wire.call("account")


def test_a_page_of_something_in_between_is_no_answer(fake: Fake, wire: Wire) -> None:
    fake.faults.append(Fault("GET", status=200, content="<html>Welcome to the hotel</html>"))
    with pytest.raises(Unavailable, match="HTTP 200 without JSON"):
        wire.call("account")


def test_a_redirect_is_not_followed(fake: Fake, wire: Wire) -> None:
    fake.faults.append(Fault("GET", status=302, content={}, headers={"location": "http://127.0.0.1:1/"}))
    with pytest.raises(Refused, match="302"):
        wire.call("account")


# -- what is sent ------------------------------------------------------------------------------------------------


def test_no_nulls_no_slashes_and_no_body_of_a_delete(fake: Fake, wire: Wire) -> None:
    wire.call("tags/", "POST", {"name": "a", "other": None})
    wire.call("tags/a/", "DELETE", {})
    assert [(each.path, each.body) for each in fake.exchanges] == [("/v2/tags", b'{"name": "a"}'), ("/v2/tags/a", b"")]


def test_the_plain_library_says_what_the_description_does_not_have(fake: Fake) -> None:
    """What the judging is worth: the faults of the library that it was built against are found."""
    droplet = digitalocean.Droplet(token=TOKEN, end_point=fake.url, name="web", size_slug="s-1vcpu-1gb",
                                   image="debian-12-x64", region="fra1")
    with pytest.raises(digitalocean.NotFoundError):
        droplet.create()
    with pytest.raises(digitalocean.DataReadError):
        digitalocean.Tag(token=TOKEN, end_point=fake.url, name="no such tag").create()
    digitalocean.Tag(token=TOKEN, end_point=fake.url, name="a").create()
    digitalocean.Tag(token=TOKEN, end_point=fake.url, name="a").delete()
    found = description().violations(fake.exchanges)
    assert "POST /v2/droplets/: not in the description" in found
    assert "DELETE /v2/tags/{tag_id}: body: there is one" in found
    assert any(each.startswith("POST /v2/tags: body: name: 'no such tag' does not match") for each in found)
    fake.exchanges.clear()


# -- secrets -----------------------------------------------------------------------------------------------------


def test_the_token_shows_nowhere(fake: Fake, bench: Bench) -> None:
    provider = bench.provider
    api = provider._api
    for thing in (provider, api, api.wire, api.droplet(id=1), api.place):
        assert TOKEN not in repr(thing)
    assert TOKEN not in str(vars(api.droplet(id=1)))
    with pytest.raises(TypeError, match="it holds a token"):
        pickle.dumps(api.wire)
    fake.faults.append(Fault("GET", times=99))
    with pytest.raises(Unavailable) as caught:
        provider.account()
    lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert TOKEN not in "".join(lines)


def test_another_token_in_the_environment_does_not_get_into_the_library(
        bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "dop_v1_other")
    assert "dop_v1_other" not in str(vars(bench.provider._api.droplet(id=1)))


def test_an_entry_of_netrc_does_not_take_the_place_of_the_token(
        bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert bench.provider.account() == "team-1"


def test_a_wrong_token_is_told_with_what_to_do(fake: Fake, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop_v1_expired")
    words = r"GET account: HTTP 401 unauthorized: Unable to authenticate you \(request 4d9d"
    with pytest.raises(NotAllowed, match=words):
        bench.provider.account()
