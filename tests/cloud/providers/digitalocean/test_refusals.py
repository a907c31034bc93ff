"""Errors of the API in our words."""

from __future__ import annotations

import pytest

from provisioner.cloud.errors import CloudError, Gone, LimitReached, NoCapacity, NotAllowed, Refused, Unavailable
from provisioner.cloud.providers.digitalocean.refusals import Answer, Busy, Lost, refusal, scopes
from tests.cloud.conftest import description


def said(status: int, message: str = "", id: str = "error") -> CloudError:
    return refusal("digitalocean fra1", "POST", "droplets", Answer(status, {}, {"id": id, "message": message}))


@pytest.mark.parametrize(("status", "message", "expected"), [
    (401, "Unable to authenticate you", NotAllowed),
    (403, "You are not authorized to perform this operation", NotAllowed),
    (402, "", NotAllowed),
    (404, "", Gone),
    (409, "conflict", Busy),
    (403, "Can not delete VPC with members", Busy),
    (422, "Droplet already has a pending event.", Busy),
    (422, "creating this/these droplet(s) will exceed your droplet limit", LimitReached),
    (422, "This size is currently unavailable in this region", NoCapacity),
    (422, "Region is at capacity", NoCapacity),
    (422, "You specified an invalid image for Droplet creation.", Refused),
    (429, "API rate limit exceeded.", Unavailable),
    (500, "Unexpected server-side error", Unavailable),
    (503, "", Unavailable),
    (502, "", Lost),
    (504, "", Lost),
    (0, "", Lost),
])  # fmt: skip
def test_a7_each_answer_is_the_error_that_says_what_to_do(status: int, message: str,
                                                          expected: type[CloudError]) -> None:
    error = said(status, message)
    assert type(error) is expected
    assert message in error.message
    assert error.hint or expected is Refused


def test_the_message_has_place_call_status_words_and_request() -> None:
    answer = Answer(422, {"x-request-id": "abc"}, {"id": "unprocessable_entity", "message": "No such size"})
    assert refusal("digitalocean fra1", "POST", "droplets", answer).message == (
        "digitalocean fra1: POST droplets: HTTP 422 unprocessable_entity: No such size (request abc)")


def test_a_missing_scope_is_named() -> None:
    answer = Answer(403, {}, {"id": "forbidden", "message": "You are not authorized to perform this operation"})
    assert "the token needs droplet:create" in refusal("fra1", "POST", "droplets", answer).hint


def test_an_account_that_is_on_hold_is_not_told_to_get_more_scopes() -> None:
    assert "look at the account" in said(403, "Your account is locked. Please contact support.").hint


def operations() -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, item in description().content["paths"].items() for method in item]


@pytest.mark.parametrize(("method", "path"), operations())
def test_the_scopes_are_those_of_the_apis_description(method: str, path: str) -> None:
    concrete = path.removeprefix("/v2/")
    for name, example in {"{droplet_id}": "1", "{action_id}": "1", "{domain_record_id}": "1"}.items():
        concrete = concrete.replace(name, example)
    operation = description().operation(method, "/v2/" + concrete)
    assert operation is not None
    allowed = [set(each["bearer_auth"]) - {"api:read", "api:write"} for each in operation["security"]]
    assert set(scopes(method, concrete)) in allowed
