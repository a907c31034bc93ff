"""Which call of AWS an HTTP request is."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

_ROUTE53: Final = (
    ("GET", r"/2013-04-01/hostedzone", "ListHostedZones"),
    ("POST", r"/2013-04-01/hostedzone", "CreateHostedZone"),
    ("GET", r"/2013-04-01/hostedzone/[^/]+/rrset", "ListResourceRecordSets"),
    ("POST", r"/2013-04-01/hostedzone/[^/]+/rrset/?", "ChangeResourceRecordSets"),
)
_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([\w-]+)/([\w-]+)/")


@dataclass(frozen=True, slots=True)
class Request:
    """parameters: of EC2's calls, as they are sent: `SecurityGroupId.1`."""

    service: str
    action: str
    region: str
    parameters: Mapping[str, str]


def read(environ: MutableMapping[str, Any]) -> Request:
    """What is asked; `environ` can be read again after it."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    region, service = scope.groups() if scope else ("us-east-1", "")
    parameters = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True)) if service in ("ec2", "sts") else {}
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    action = parameters.get("Action") or target.rpartition(".")[2] or _rest(environ)
    return Request(service, action, region, parameters)


def _rest(environ: Mapping[str, Any]) -> str:
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    return next((action for verb, pattern, action in _ROUTE53 if verb == method and re.fullmatch(pattern, path)), "")
