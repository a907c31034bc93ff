"""What EC2, Route 53 and their like answer when something is wrong, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

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

THROTTLED: Final = frozenset({
    "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "PriorRequestNotComplete", "BandwidthLimitExceeded", "RequestThrottled", "EC2ThrottledException",
})
"""The call was not carried out, and may be made again."""

_Row = tuple[type[CloudError], str, str]

_LOG_IN: Final = "get new ones: `aws sso login{profile}`, or the keys of the profile"
_CODES: Final[Mapping[str, _Row]] = {
    "ExpiredToken": (NotAllowed, "the credentials have expired", _LOG_IN),
    "RequestExpired": (NotAllowed, "the credentials have expired, or this machine's clock is wrong", _LOG_IN),
    "AuthFailure": (NotAllowed, "the credentials are not valid in {region}",
                    "check the keys, this machine's clock, and that the account has enabled the region"),
    "InvalidClientTokenId": (NotAllowed, "AWS does not know the access key", "mend the keys of the profile"),
    "SignatureDoesNotMatch": (NotAllowed, "the secret does not belong to the access key, or this machine's clock is "
                              "wrong", "mend the keys of the profile"),
    "OptInRequired": (NotAllowed, "the account is not signed up for this", "finish the account's registration at AWS"),
    "PendingVerification": (NotAllowed, "AWS is still verifying the account", "wait: it takes up to four hours"),
    "Blocked": (NotAllowed, "the account is blocked", "ask AWS support"),
    "UnauthorizedOperation": (NotAllowed, "{who} may not do this", "allow `{action}` to it in IAM"),
    "InsufficientInstanceCapacity": (NoCapacity, "EC2 has no machine of this size left there",
                                     "try again later, another `size`, or another `zone`"),
    "Unsupported": (Refused, "{message}", "name another `zone` or `size`"),
    "VcpuLimitExceeded": (LimitReached, "the account's quota of vCPUs is used up",
                          "ask for more at Service Quotas, EC2, in {region}"),
    "InstanceLimitExceeded": (LimitReached, "the account's quota of machines is used up",
                              "ask for more at Service Quotas, EC2, in {region}"),
    "AddressLimitExceeded": (LimitReached, "the account has all the elastic IPs it may have",
                             "release one, or ask for more at Service Quotas, EC2, in {region}"),
    "VpcLimitExceeded": (LimitReached, "the account has all the VPCs it may have in {region}",
                         "delete one, or ask for more at Service Quotas, VPC"),
    "OperationNotPermitted": (Refused, "{message}", "set `protected: false`, apply, and then try again"),
    "InvalidAMIID.NotFound": (Refused, "there is no such image in {region}",
                              "images have another id in each region; a name like `debian-12` works in all"),
    "InvalidAMIID.Malformed": (Refused, "this is no id of an image", "write `ami-…`, or a name like `debian-12`"),
    "InvalidAMIID.Unavailable": (Refused, "the image is not there any more", "name a newer one"),
    "IdempotentInstanceTerminated": (Refused, "the machine this attempt has made was terminated", "apply again"),
    "NoSuchHostedZone": (Gone, "there is no such zone at Route 53", "make the hosted zone, or mend `zone`"),
}
_ALIKE: Final[Mapping[str, str]] = {
    "ExpiredTokenException": "ExpiredToken", "UnrecognizedClientException": "InvalidClientTokenId",
    "AccessDenied": "UnauthorizedOperation", "AccessDeniedException": "UnauthorizedOperation",
    "InsufficientHostCapacity": "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity": "InsufficientInstanceCapacity",
}
_PARTS: Final = (
    ("LimitExceeded", LimitReached, "ask for more at Service Quotas in {region}"),
    ("NotFound", Gone, ""),
)
"""Endings of codes."""


@contextmanager
def explained(place: Place, action: str) -> Iterator[None]:
    """Errors of boto3 as `CloudError`s. action: as IAM calls it, `ec2:RunInstances`."""
    from botocore import exceptions as boto  # noqa: PLC0415 - an extra, and slow to import
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    try:
        yield
    except boto.ClientError as error:
        raise from_answer(place, action, error.response) from error
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError) as error:
        raise NotAllowed(f"{place}: there are no credentials: {error}",
                         hint="name a `profile`, log in, or set AWS_PROFILE; docs/ec2.md lists all ways") from error
    except boto.ProfileNotFound as error:
        raise NotAllowed(f"{place}: the AWS configuration of this machine has no profile `{place.profile}`",
                         hint="mend `profile`, or add it with `aws configure sso`") from error
    except (boto.TokenRetrievalError, boto.SSOError) as error:
        raise NotAllowed(f"{place}: the SSO login has ended: {error}",
                         hint=f"`aws sso login{_profile(place)}`") from error
    except boto.EndpointConnectionError as error:
        raise Unavailable(f"{place}: {action} reached nobody: {error}",
                          hint=f"check the network, and that `{place.region}` is a region of AWS") from error
    except boto.InvalidRegionError as error:
        raise Refused(f"{place}: `{place.region}` is no name of a region",
                      hint="mend `region`, as in `eu-central-1`") from error
    except (boto.HTTPClientError, boto.ConnectionError, ResponseParserError) as error:
        raise Unavailable(f"{place}: {action} got no answer: {_first_line(error)}",
                          hint="apply again: what was begun is found, not made twice") from error
    except boto.BotoCoreError as error:
        raise Refused(f"{place}: {action}: {' '.join(str(error).split())}") from error


def from_answer(place: Place, action: str, answer: Mapping[str, Any]) -> CloudError:
    """The error of an answer of AWS. The message ends with the code and the request's id: AWS support asks for it."""
    told = answer.get("Error", {})
    about = answer.get("ResponseMetadata", {})
    code, message = str(told.get("Code", "")), _short(str(told.get("Message", "")))
    kind, words, hint = _row(code, int(about.get("HTTPStatusCode", 0)))
    known = {"region": place.region, "message": message, "action": _asked(message) or action,
             "who": _who(message), "profile": _profile(place)}
    text = f"{place}: {action}: {words.format(**known)}"
    if message and "{message}" not in words and kind is not NotAllowed:
        text += f": {message}"
    request = about.get("RequestId") or answer.get("RequestId", "")
    return kind(f"{text} ({code}{f', request {request}' if request else ''})", hint=hint.format(**known))


def code_of(error: BaseException | None) -> str:
    """The code of AWS behind an error; "" for any other."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, Mapping) else ""


def _row(code: str, status: int) -> _Row:
    known = _CODES.get(_ALIKE.get(code, code))
    if known is not None:
        return known
    if code in THROTTLED:
        return Unavailable, "AWS asks to be called less often, after all retries", "wait a minute and apply again"
    if status >= 500:
        return Unavailable, "AWS failed, after all retries", "look at health.aws.amazon.com and apply again"
    for ending, kind, hint in _PARTS:
        if code.partition(".")[0].endswith(ending) or code.endswith(ending):
            return kind, "{message}", hint
    return Refused, "{message}", ""


def _short(message: str) -> str:
    return message.partition(" Encoded authorization failure message:")[0].strip().rstrip(".")


def _first_line(error: Exception) -> str:
    """Where somebody else than AWS has answered, their whole page follows."""
    return str(error).partition("\n")[0]


def _who(message: str) -> str:
    arn = re.search(r"arn:aws[\w-]*:(?:iam|sts)::\d+:\S+", message)
    return arn.group().rstrip(".,") if arn else "the credentials' owner"


def _asked(message: str) -> str:
    """What has to be allowed, as `ec2:CreateTags` for a call that tags; "" if the message does not tell."""
    told = re.search(r"perform: ([\w-]+:\w+)(?: on resource: (\S+))?", message)
    return " on ".join(part for part in told.groups() if part) if told else ""


def _profile(place: Place) -> str:
    return f" --profile {place.profile}" if place.profile else ""
