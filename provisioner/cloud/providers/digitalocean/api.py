"""python-digitalocean's objects, all of which send through one `Wire`, and what all kinds of resources need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import digitalocean

from provisioner.cloud.errors import CloudError, Gone, Refused, Unavailable
from provisioner.cloud.model import Found, Kind, Known, Place, Ref
from provisioner.cloud.providers.digitalocean import tags
from provisioner.cloud.providers.digitalocean.refusals import Busy, Lost
from provisioner.cloud.providers.digitalocean.wire import Patience, Wire, explained

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Api:
    """One place of one account."""

    wire: Wire
    place: Place

    @property
    def region(self) -> str:
        return self.place.region

    @property
    def patience(self) -> Patience:
        return self.wire.patience

    # -- the library's objects -------------------------------------------------------------------------------------

    def droplet(self, **values: Any) -> Any:
        return self._made(digitalocean.Droplet, values)

    def firewall(self, **values: Any) -> Any:
        return self._made(digitalocean.Firewall, values)

    def key(self, **values: Any) -> Any:
        return self._made(digitalocean.SSHKey, values)

    def record(self, **values: Any) -> Any:
        return self._made(digitalocean.Record, values)

    def tag(self, name: str) -> Any:
        return self._made(digitalocean.Tag, {"name": name})

    def volume(self, **values: Any) -> Any:
        return self._made(digitalocean.Volume, {"description": None, "filesystem_type": None,
                                                "filesystem_label": None, **values})

    def vpc(self, **values: Any) -> Any:
        return self._made(digitalocean.VPC, values)

    def _made(self, kind: Callable[..., Any], values: Mapping[str, Any]) -> Any:
        """Neither the token nor a session of its own is in it."""
        return kind(token="", end_point=self.wire.base, get_data=self.wire.call, **values)

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, path: str, key: str) -> dict[str, Any]:
        """One resource; raises `Gone`."""
        with understood(f"{self.wire.where}: GET {path}"):
            content: dict[str, Any] = self.wire.call(path)[key]
            return content

    def all(self, path: str, key: str, **query: str) -> list[dict[str, Any]]:
        return self.wire.all(path, key, **query)

    def found(self, kind: Kind, name: str, id: object, fields: Mapping[str, Any], **more: Any) -> Found:
        return Found(Ref(kind, name), self.place, str(id), fields, **more)

    # -- making ----------------------------------------------------------------------------------------------------

    def made(self, thing: Ref | str, look: Callable[[], T | None], make: Callable[[], object]) -> T:
        """What `look` finds, made first if it finds nothing. It looks again after a failure: the answer may have been
        lost, or another controller was quicker."""
        present = look()
        if present is not None:
            return present
        what = f"{self.wire.where}: {thing}"
        failure: CloudError | None = None
        try:
            with understood(what):
                make()
        except (Unavailable, Refused) as error:
            failure = error
        for pause in (0, *self.patience.pauses):
            self.patience.sleep(pause)
            present = look()
            if present is not None:
                return present
            if failure is not None and not isinstance(failure, Lost):
                break
        raise failure or Lost(f"{what} was made and is in no listing yet", hint="run it again: it will be found then")

    # -- what is under way -----------------------------------------------------------------------------------------

    def carried_out(self, action: Mapping[str, Any], what: str, seconds: float | None = None) -> None:
        """Wait until the action has ended well."""
        with understood(f"{self.wire.where}: {what}"):
            current: Mapping[str, Any] = action["action"]
            for _ in self.patience.until(seconds or self.patience.action):
                if current["status"] == "completed":
                    return
                if current["status"] != "in-progress":
                    raise Unavailable(f"{self.wire.where}: {what}: DigitalOcean says {current['status']}",
                                      hint=f"action {current['id']} in the control panel; run it again")
                current = self.get(f"actions/{current['id']}", "action")
        raise Unavailable(f"{self.wire.where}: {what} is not done after {self.patience.action:.0f} s",
                          hint="look at status.digitalocean.com; run it again to go on")

    def when_free(self, call: Callable[[], T], what: str) -> T:
        """Make a call that is refused as long as something else is under way with the resource, or uses it."""
        refused: CloudError | None = None
        for _ in self.patience.until(self.patience.shutdown):
            try:
                return call()
            except Busy as error:
                refused = error
        assert refused is not None
        raise explained(refused, what)

    def gone(self, path: str, key: str, what: str) -> None:
        """Wait until it is."""
        for _ in self.patience.until(self.patience.action):
            try:
                self.get(path, key)
            except Gone:
                return
        raise Unavailable(f"{self.wire.where}: {what} is still there after {self.patience.action:.0f} s",
                          hint="look at status.digitalocean.com; run it again to go on")

    # -- tags ------------------------------------------------------------------------------------------------------

    def registered(self, *start: str) -> list[tuple[str, ...]]:
        """The rest of our tags that begin with `start`, whatever has them: the register of what has no tags itself."""
        return tags.values((each["name"] for each in self.all("tags", "tags")), *start)

    def have_tag(self, name: str) -> None:
        """Make the tag, if it is not there."""
        self.made(f"tag {name}", lambda: self._tag(name), self.tag(name).create)

    def _tag(self, name: str) -> dict[str, Any] | None:
        try:
            return self.get(f"tags/{name}", "tag")
        except Gone:
            return None

    def drop_tag(self, name: str) -> None:
        absent_is_fine(self.tag(name).delete)


@contextmanager
def understood(what: str) -> Iterator[None]:
    """The library reads answers without looking whether they are what it expects."""
    problem = ""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__} {error}"
    if problem:
        raise Lost(f"{what}: an answer that makes no sense: {problem}",
                   hint="run it again: what was made is found by its tag and not made twice")


def absent_is_fine(delete: Callable[[], object]) -> bool:
    """Whether it was there."""
    try:
        delete()
    except Gone:
        return False
    return True


def named(known: Known, ref: Ref) -> Found:
    """What an order needs."""
    if ref not in known:
        raise Gone(f"{ref} is not there", hint="apply without --target, so that it is made first")
    return known[ref]
