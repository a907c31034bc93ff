"""Calls to AWS: clients of one place, retries, pages, and the patience that its eventual consistency asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.cloud.errors import CloudError, Gone, NotAllowed, PartialListing, Unavailable, WrongAccount
from provisioner.cloud.model import Place
from provisioner.cloud.providers.ec2.errors import THROTTLED, code_of, explained
from provisioner.values import Secret

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. settle: how long a new resource may be unknown to other calls. pause: the first wait between two
    tries; it doubles up to 5 s. change: how long AWS may take to stop or delete something. retries: of each call."""

    settle: float = 60.0
    pause: float = 1.0
    change: float = 600.0
    retries: int = 8

    def pauses(self) -> Iterator[float]:
        pause = self.pause
        while True:
            yield pause
            pause = min(pause * 2, 5.0)


USUAL: Final = Patience()


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials that were given by hand instead of those of the usual chain."""

    access: str
    secret: Secret
    token: Secret | None = None


class Api:
    """One region of one account."""

    def __init__(self, place: Place, patience: Patience, keys: Keys | None = None) -> None:
        self.place = place
        self._keys = keys
        self.patience = patience
        self._clients: dict[tuple[str, int], Any] = {}
        self._session: Any = None
        self._account = ""
        self._settled_at = 0.0

    def account(self) -> str:
        """The id of the account; `WrongAccount` if the place names another."""
        if not self._account:
            answer = self.call("get_caller_identity", service="sts")
            self._account = str(answer["Account"])
            if self.place.account not in ("", self._account):
                raise WrongAccount(f"{self.place}: the credentials belong to account {self._account} "
                                   f"({answer.get('Arn', '')}), not to {self.place.account}",
                                   hint="name the profile of that account, or mend `account`")
        return self._account

    def call(self, operation: str, *, service: str = "ec2", again: Collection[str] = (), retried: bool = True,
             **arguments: Any) -> Answer:
        """One call. again: codes after which it is made again until `patience.change` is over. retried: whether boto3
        may repeat it by itself, which makes a second resource where the first answer was lost.

        What does not exist raises `Gone`; soon after something was created it is first waited for.
        """
        client = self._client(service, self.patience.retries if retried else 1)
        began = time.monotonic()
        for pause in self.patience.pauses():
            try:
                with explained(self.place, self._action(client, service, operation)):
                    answer: Answer = getattr(client, operation)(**arguments)
                    return answer
            except CloudError as error:
                now = time.monotonic()
                unknown_yet = isinstance(error, Gone) and now < self._settled_at
                if not unknown_yet and not (code_of(error.__cause__) in again
                                            and now - began < self.patience.change):
                    raise
            time.sleep(pause)
        raise AssertionError("pauses never end")

    def pages(self, operation: str, key: str, *, service: str = "ec2", **arguments: Any) -> list[Any]:
        """All entries `key` of all pages, or `PartialListing`."""
        client = self._client(service, self.patience.retries)
        found: list[Any] = []
        try:
            with explained(self.place, self._action(client, service, operation)):
                for page in client.get_paginator(operation).paginate(**arguments, PaginationConfig=_PAGES[service]):
                    found += page[key]
        except Unavailable as error:
            raise PartialListing(f"{error.message}; {len(found)} were told before", hint=error.hint) from error
        return found

    def create(self, operation: str, find: Callable[[], Answer | None], **arguments: Any) -> Answer:
        """A create that AWS does not make idempotent: looked for before, and after an answer that was lost.

        find: by a tag with the token of this attempt; gives what the answer would have held, or None.
        """
        there = find()
        if there is not None:
            return there
        began = time.monotonic()
        for pause in self.patience.pauses():
            try:
                return self.created(self.call(operation, retried=False, **arguments))
            except Unavailable as error:
                if time.monotonic() - began > self.patience.settle:
                    raise
                is_lost = code_of(error.__cause__) not in THROTTLED
            time.sleep(pause)
            there = self._looked_for(find) if is_lost else None
            if there is not None:
                return self.created(there)
        raise AssertionError("pauses never end")

    def created(self, answer: Answer) -> Answer:
        """`answer`; from now on others may not know yet what it tells of."""
        self._settled_at = time.monotonic() + self.patience.settle
        return answer

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait; `Unavailable` if it takes longer than `patience.change`."""
        began = time.monotonic()
        for pause in self.patience.pauses():
            if done():
                return
            if time.monotonic() - began > self.patience.change:
                raise Unavailable(f"{self.place}: {what} takes more than {self.patience.change:.0f} s",
                                  hint="look at the AWS console; apply again to go on waiting")
            time.sleep(pause)

    def if_there(self, operation: str, **arguments: Any) -> Answer | None:
        """The answer, or None if what was asked for is not there, without waiting for it."""
        settled_at, self._settled_at = self._settled_at, 0.0
        try:
            return self.call(operation, **arguments)
        except Gone:
            return None
        finally:
            self._settled_at = settled_at

    def settles(self) -> bool:
        """Whether something was created so recently that other calls may not know it."""
        return time.monotonic() < self._settled_at

    def _looked_for(self, find: Callable[[], Answer | None]) -> Answer | None:
        until = time.monotonic() + self.patience.settle / 4
        for pause in self.patience.pauses():
            there = find()
            if there is not None or time.monotonic() > until:
                return there
            time.sleep(pause)
        raise AssertionError("pauses never end")

    def _action(self, client: Any, service: str, operation: str) -> str:
        return f"{service}:{client.meta.method_to_api_mapping[operation]}"

    def _client(self, service: str, attempts: int) -> Any:
        client = self._clients.get((service, attempts))
        if client is None:
            with explained(self.place, f"{service} client"):
                client = self._new_client(service, attempts)
            self._clients[service, attempts] = client
        return client

    def _new_client(self, service: str, attempts: int) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - an extra, and slow to import

        if self._session is None:
            self._session = new_session(self.place, self._keys)
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, connect_timeout=5,
                        read_timeout=30)
        return self._session.client(service, region_name=_HOMES.get(service), config=config,
                                    endpoint_url=self.place.endpoint or None)


_PAGES: Final[Mapping[str, Mapping[str, int]]] = {"ec2": {"PageSize": 500}, "route53": {}}
"""What all calls of EC2 take; without it AWS may make one answer of thousands of machines."""
_HOMES: Final[Mapping[str, str]] = {"pricing": "us-east-1"}
"""Services that are in a few regions, and tell of all of them."""
_VENDOR: Final = Path("/sys/devices/virtual/dmi/id/sys_vendor")


def new_session(place: Place, keys: Keys | None = None) -> Any:
    """A session of boto3 with `keys`, else the credentials of `place` from the usual chain."""
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to import
        from botocore.session import Session  # noqa: PLC0415
    except ImportError:
        raise NotAllowed("machines at EC2 need the library boto3", hint="pip install 'provision[ec2]'") from None
    core = Session(profile=place.profile or None)
    if keys is not None:
        core.set_credentials(keys.access, keys.secret.reveal(), keys.token.reveal() if keys.token else None)
    if not _is_at_ec2():
        # An address that answers only inside of EC2: asking it elsewhere takes seconds, and may ask a stranger.
        core.get_component("credential_provider").remove("iam-role")
    return boto3.session.Session(botocore_session=core, region_name=place.region)


def usual_region(profile: str) -> str:
    """The region that AWS's own tools would take: of the environment, else of the profile; "" if there is none."""
    from botocore.session import Session  # noqa: PLC0415 - an extra, and slow to import

    with explained(Place("ec2", "", profile), "configuration"):
        return str(Session(profile=profile or None).get_config_variable("region") or "")


def _is_at_ec2() -> bool:
    try:
        return "Amazon" in _VENDOR.read_text(encoding="utf-8")
    except OSError:
        return False
