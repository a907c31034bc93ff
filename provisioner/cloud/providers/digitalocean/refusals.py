"""What an answer with an error means: status and words of the API to one of our errors. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioner.cloud.errors import CloudError, Gone, LimitReached, NoCapacity, NotAllowed, Refused, Unavailable

SCOPES: Final = (
    (r"GET account", ("account:read",)),
    (r"(\w+) account/keys(/.*)?", ("ssh_key:{verb}",)),
    (r"GET (actions/\d+)", ("actions:read",)),
    (r"POST droplets/\d+/actions", ("droplet:update",)),
    (r"(\w+) droplets(/.*)?", ("droplet:{verb}",)),
    (r"POST tags/[^/]+/resources", ("tag:create",)),
    (r"(\w+) tags(/.*)?", ("tag:{verb}",)),
    (r"(\w+) firewalls(/.*)?", ("firewall:{verb}",)),
    (r"(\w+) vpcs(/.*)?", ("vpc:{verb}",)),
    (r"POST volumes/[^/]+/actions", ("block_storage_action:create",)),
    (r"(\w+) volumes(/.*)?", ("block_storage:{verb}",)),
    (r"POST reserved_ips/[^/]+/actions", ("reserved_ip:update",)),
    (r"(\w+) reserved_ips(/.*)?", ("reserved_ip:{verb}",)),
    (r"POST domains/[^/]+/records", ("domain:create",)),
    (r"(\w+) domains(/.*)?", ("domain:{verb}",)),
    (r"GET images", ("image:read",)),
    (r"GET regions", ("regions:read",)),
    (r"GET sizes", ("sizes:read", "regions:read")),
)
"""Method and path -> what a token with custom scopes needs for it. The first that fits counts."""

_VERBS: Final = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}
_LIMIT: Final = re.compile(r"\b(limit|quota|exceed|too many|maximum number)", re.IGNORECASE)
_CAPACITY: Final = re.compile(r"capacity|currently (unavailable|disabled)|sold out|not enough", re.IGNORECASE)
_ACCOUNT: Final = re.compile(r"payment|billing|suspend|locked|verif(y|ied|ication)|on hold", re.IGNORECASE)


class Lost(Unavailable):
    """No answer, or one of a gateway: whether the call was carried out is not known."""


class Busy(Refused):
    """Something is under way with the resource: the same call works a little later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """status 0: none came, and `problem` says why. headers: names in lower case. content: None if it was no JSON."""

    status: int
    headers: Mapping[str, str]
    content: Any = None
    problem: str = ""

    @property
    def words(self) -> str:
        """What the API says about it, with the id under which DigitalOcean finds the request."""
        body = self.content if isinstance(self.content, Mapping) else {}
        said = ": ".join(str(body[key]) for key in ("id", "message") if body.get(key)) or self.problem
        request = body.get("request_id") or self.headers.get("x-request-id") or ""
        return " ".join((f"HTTP {self.status}" if self.status else "", said,
                         f"(request {request})" if request else "")).strip()


def scopes(method: str, path: str) -> tuple[str, ...]:
    """What a token needs for this call."""
    for pattern, needed in SCOPES:
        if re.fullmatch(pattern, f"{method} {path}"):
            return tuple(scope.format(verb=_VERBS[method]) for scope in needed)
    return ()


def refusal(where: str, method: str, path: str, answer: Answer) -> CloudError:
    """where: the place, for the message."""
    call = f"{where}: {method} {path}: {answer.words}"
    status = answer.status
    if status == 401:
        return NotAllowed(call, hint="the token is wrong, expired or deleted: make a new one in the control panel, API")
    if status == 403 and "members" in answer.words:  # of a network that is not empty yet
        return Busy(call, hint="something in it is not gone yet: run it again in a minute")
    if status == 403 and not _ACCOUNT.search(answer.words):
        needed = ", ".join(scopes(method, path)) or "more scopes"
        return NotAllowed(call, hint=f"the token needs {needed}; docs/digitalocean.md lists all scopes")
    if status in (402, 403):
        return NotAllowed(call, hint="look at the account in the control panel: DigitalOcean waits for something there")
    if status == 404:
        return Gone(call, hint="it was deleted by somebody else; plan again")
    if status == 429:
        return Unavailable(call, hint=_when(answer.headers))
    if status in (0, 502, 504):
        return Lost(call, hint="run it again: what was made is found by its tag and not made twice")
    if status >= 500:
        return Unavailable(call, hint="look at status.digitalocean.com, and run it again")
    return _no_to_a_value(call, status, answer.words)


def _no_to_a_value(call: str, status: int, words: str) -> CloudError:
    if re.search(r"pending event|in progress|is locked|already (being|has a pending)", words, re.IGNORECASE):
        return Busy(call, hint="run it again in a minute")
    if status == 409:
        return Busy(call, hint="something still uses it, or is under way with it: run it again in a minute")
    if _LIMIT.search(words):
        return LimitReached(call, hint="ask DigitalOcean to raise the limit, or delete what is not needed")
    if _CAPACITY.search(words):
        return NoCapacity(call, hint="try another size or region; `doctl compute size list` shows what there is")
    return Refused(call)


def _when(headers: Mapping[str, str]) -> str:
    if wait := headers.get("retry-after"):
        return f"too many calls: run it again in {wait} s"
    limit = headers.get("ratelimit-limit")
    return f"too many calls: the account may make {limit} an hour" if limit else "too many calls: run it again later"
