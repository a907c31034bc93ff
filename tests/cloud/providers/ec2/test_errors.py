"""Answers of AWS in words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from provisioner.cloud.errors import (
    CloudError,
    Gone,
    LimitReached,
    NoCapacity,
    NotAllowed,
    Refused,
    Unavailable,
)
from provisioner.cloud.model import Place
from provisioner.cloud.providers.ec2.errors import code_of, explained, from_answer

PLACE = Place("ec2", "eu-central-1", "shop")


@pytest.mark.parametrize(("code", "status", "kind", "words"), [
    ("ExpiredTokenException", 400, NotAllowed, "have expired"),
    ("AuthFailure", 401, NotAllowed, "not valid in eu-central-1"),
    ("UnrecognizedClientException", 400, NotAllowed, "does not know the access key"),
    ("AccessDenied", 403, NotAllowed, "may not do this"),
    ("OptInRequired", 401, NotAllowed, "not signed up"),
    ("Blocked", 400, NotAllowed, "is blocked"),
    ("InsufficientHostCapacity", 500, NoCapacity, "no machine of this size left"),
    ("AddressLimitExceeded", 400, LimitReached, "elastic IPs"),
    ("SecurityGroupLimitExceeded", 400, LimitReached, "said so"),
    ("RequestLimitExceeded", 503, Unavailable, "less often"),
    ("ServiceUnavailable", 503, Unavailable, "AWS failed"),
    ("InvalidVolume.NotFound", 400, Gone, "said so"),
    ("InvalidParameterValue", 400, Refused, "said so"),
])
def test_a_code_is_told_as_what_it_means(code: str, status: int, kind: type[CloudError], words: str) -> None:
    error = from_answer(PLACE, "ec2:RunInstances", _answer(code, status, "AWS said so."))
    assert type(error) is kind
    assert words in error.message
    assert error.message.startswith("ec2 eu-central-1 shop: ec2:RunInstances: ")
    assert error.message.endswith(f"({code}, request 1234-5678)")


def test_an_expired_login_is_mended_with_the_places_profile() -> None:
    assert "`aws sso login --profile shop`" in from_answer(PLACE, "ec2:X", _answer("ExpiredToken", 400)).hint
    bare = Place("ec2", "eu-central-1")
    assert "`aws sso login`" in from_answer(bare, "ec2:X", _answer("ExpiredToken", 400)).hint


def test_braces_in_what_aws_says_are_only_text() -> None:
    assert "{place}" in from_answer(PLACE, "ec2:X", _answer("InvalidParameterValue", 400, "no {place} {0}")).message


@pytest.mark.parametrize(("error", "kind", "words"), [
    (boto.NoCredentialsError(), NotAllowed, "no credentials"),
    (boto.CredentialRetrievalError(provider="custom-process", error_msg="exit 1"), NotAllowed, "custom-process"),
    (boto.ProfileNotFound(profile="shop"), NotAllowed, "no profile `shop`"),
    (boto.TokenRetrievalError(provider="sso", error_msg="expired"), NotAllowed, "SSO login has ended"),
    (boto.UnauthorizedSSOTokenError(), NotAllowed, "SSO login has ended"),
    (boto.SSOTokenLoadError(error_msg="no file"), NotAllowed, "SSO login has ended"),
    (boto.EndpointConnectionError(endpoint_url="https://x"), Unavailable, "reached nobody"),
    (boto.ReadTimeoutError(endpoint_url="https://x"), Unavailable, "got no answer"),
    (boto.ConnectionClosedError(endpoint_url="https://x"), Unavailable, "got no answer"),
    (ResponseParserError("Unable to parse\n<html>log in first</html>"), Unavailable, "Unable to parse"),
    (boto.ParamValidationError(report="Size: not an int"), Refused, "Size: not an int"),
])
def test_what_fails_before_an_answer_is_told_too(error: Exception, kind: type[CloudError], words: str) -> None:
    with pytest.raises(kind) as caught, explained(PLACE, "ec2:RunInstances"):
        raise error
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_the_code_behind_an_error_is_known() -> None:
    with pytest.raises(Refused) as caught, explained(PLACE, "ec2:RunInstances"):
        raise boto.ClientError(_answer("InvalidGroup.Duplicate", 400), "RunInstances")
    assert code_of(caught.value.__cause__) == "InvalidGroup.Duplicate"
    assert code_of(None) == code_of(OSError()) == ""


def _answer(code: str, status: int, message: str = "") -> Any:
    return {"Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "1234-5678"}}
