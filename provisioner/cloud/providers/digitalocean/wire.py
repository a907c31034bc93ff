"""The one way to DigitalOcean's API: all that python-digitalocean says goes through `Wire.call`.

The library knows the calls. How it sends them can't be trusted with machines: no time-outs; status, headers and request
id of an error are lost; it never looks at the status of a later page, so that a listing of 45 droplets whose third page
is refused has 40 and no error; it follows a `next` link with the token to any host, puts slashes where the API has
none, sends nulls and bodies the API does not take, and keeps the token in every object.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import requests

from provisioner.cloud.errors import CloudError, PartialListing, Unavailable
from provisioner.cloud.providers.digitalocean.refusals import Answer, refusal
from provisioner.values import Secret

PER_PAGE: Final = 200  # the most that the API gives
_REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE"})
_PASSING: Final = frozenset({0, 500, 502, 503, 504})
_IDENTITIES: Final = ("id", "ip", "slug", "name")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds. visible: until a listing has what was made. pauses: between looks for
    what a lost answer may have made."""

    connect: float = 5
    read: float = 30
    attempts: int = 8
    in_all: float = 240
    poll: float = 2
    action: float = 900
    shutdown: float = 120
    visible: float = 60
    pauses: tuple[float, ...] = (1, 2, 4)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def until(self, seconds: float) -> Iterator[None]:
        """Goes on, at the pace of `poll`, until the time is over."""
        end = self.clock() + seconds
        while self.clock() < end:
            yield
            self.sleep(self.poll)


class Wire:
    """Sends calls. Raises nothing but `CloudError`."""

    def __init__(self, base: str, token: Secret, where: str, patience: Patience) -> None:
        self.base = base
        self.where = where
        self.patience = patience
        self._session = requests.Session()
        self._auth = _Bearer(token)

    def __reduce__(self) -> str:
        raise TypeError("it holds a token")

    def call(self, url: str, type: str = "GET", params: Mapping[str, Any] | None = None) -> Any:
        """In the place of the library's `BaseAPI.get_data`: the answer's content, or True if it has none."""
        values = {name: value for name, value in (params or {}).items() if value is not None}
        path = url.strip("/")
        answer = self._sent("GET", path, values, None) if type == "GET" else self._sent(type, path, {}, values or None)
        if answer.status == 204:
            return True
        if not isinstance(answer.content, dict):
            raise Unavailable(f"{self.where}: {type} {path}: HTTP {answer.status} without JSON",
                              hint=f"is there something in between that answers for {self.base}?")
        return answer.content

    def all(self, path: str, key: str, **query: str) -> list[dict[str, Any]]:
        """Every page of a listing, or `PartialListing`. Tried again where it changes while it is read."""
        for _ in range(3):
            items, totals = self._pages(path, key, query)
            known = {next((item[name] for name in _IDENTITIES if name in item), None) for item in items}
            if totals == {len(items)} and len(known) == len(items):
                return items
        said = ", ".join(map(str, sorted(totals, key=str)))
        raise PartialListing(f"{self.where}: GET {path}: {len(items)} came, while the API says there are {said}",
                             hint="nothing is changed on the word of a listing that is not whole: run it again")

    def _pages(self, path: str, key: str, query: Mapping[str, str]) -> tuple[list[dict[str, Any]], set[int | None]]:
        items: list[dict[str, Any]] = []
        totals: set[int | None] = set()
        params: Mapping[str, Any] = {**query, "per_page": PER_PAGE}
        for page in count(1):
            try:
                content = self._sent("GET", path, params, None).content
            except Unavailable as error:
                if page == 1:
                    raise
                raise PartialListing(f"page {page} is missing: {error.message}", hint=error.hint) from None
            if not isinstance(content, dict) or not isinstance(content.get(key), list):
                raise PartialListing(f"{self.where}: GET {path}: page {page} has no {key}")
            items += content[key]
            totals.add((content.get("meta") or {}).get("total"))
            following = ((content.get("links") or {}).get("pages") or {}).get("next")
            if not following or page > len(items):  # a page more than there are items: a circle
                break
            params = self._query_of(following, path)
        return items, totals

    def _query_of(self, link: str, path: str) -> Mapping[str, Any]:
        """The query of a `next` link, which never takes the token anywhere else."""
        there, here = urlsplit(link), urlsplit(self.base + path)
        if (there.scheme, there.netloc, there.path.rstrip("/")) != (here.scheme, here.netloc, here.path):
            raise PartialListing(f"{self.where}: GET {path}: the next page is said to be at {link}",
                                 hint="the token goes to no other address: check DIGITALOCEAN_END_POINT")
        return parse_qs(there.query)

    def _sent(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None) -> Answer:
        """An answer without an error. Reads and what may be repeated are, and everything that was not let in (429)."""
        end = self.patience.clock() + self.patience.in_all
        for attempt in count(1):
            answer = self._tried(method, path, query, body)
            if 200 <= answer.status < 300:
                return answer
            pause = _pause(answer, attempt)
            again = answer.status == 429 or (method in _REPEATABLE and answer.status in _PASSING)
            if not again or attempt >= self.patience.attempts or self.patience.clock() + pause > end:
                break
            self.patience.sleep(pause)
        if method == "DELETE" and attempt > 1 and answer.status == 404:
            return Answer(204, {})  # an earlier attempt whose answer was lost has done it
        raise refusal(self.where, method, path, answer)

    def _tried(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None) -> Answer:
        try:
            response = self._session.request(
                method, self.base + path, params=query, json=body, auth=self._auth, allow_redirects=False,
                timeout=(self.patience.connect, self.patience.read), headers={"Accept": "application/json"})
        except requests.RequestException as error:
            # The library's errors hold the request, and that the token: only words of it go on.
            problem = _words(error)
        else:
            headers = {name.lower(): value for name, value in response.headers.items()}
            try:
                return Answer(response.status_code, headers, response.json() if response.content else None)
            except ValueError:
                return Answer(response.status_code, headers, None, "no JSON")
        return Answer(0, {}, None, problem)


class _Bearer(requests.auth.AuthBase):
    """Given as `auth`, so that no entry of a .netrc takes its place."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


def _pause(answer: Answer, attempt: int) -> float:
    """Seconds: what the API asks for, else twice as long each time; never in step with other callers."""
    asked = answer.headers.get("retry-after", "")
    least = float(asked) if asked.isdigit() else min(2.0 ** (attempt - 1), 30.0) / 2
    return least + random.SystemRandom().uniform(0, max(least, 1.0) / 2)


def _words(error: requests.RequestException) -> str:
    kinds: dict[type[Exception], str] = {
        requests.exceptions.SSLError: "the certificate is not valid", requests.Timeout: "no answer in time",
        requests.exceptions.ProxyError: "the proxy refuses", requests.ConnectionError: "the connection failed",
    }  # fmt: skip
    fitting = (words for kind, words in kinds.items() if issubclass(type(error), kind))
    return next(fitting, type(error).__name__)


def explained(error: CloudError, words: str) -> CloudError:
    """The same error, told as part of something greater."""
    return type(error)(f"{words}: {error.message}", hint=error.hint)
