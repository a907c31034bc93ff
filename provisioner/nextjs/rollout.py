"""The order in which hosts start a release: all have it first, then they go wave by wave; a failed wave is the last."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Condition

from provisioner.diag import ProvisionError
from provisioner.values import HostName


def waves(hosts: Sequence[HostName], sizes: Sequence[int | str]) -> list[list[HostName]]:
    """`sizes`: numbers of hosts or shares of all ("50%", rounded up); the last one is repeated."""
    found: list[list[HostName]] = []
    rest = list(hosts)
    while rest:
        size = sizes[min(len(found), len(sizes) - 1)]
        text = str(size)
        count = -(-len(hosts) * int(text[:-1]) // 100) if text.endswith("%") else int(text)
        found.append(rest[:count])
        rest = rest[count:]
    return found


class Rollout:
    """Shared by the threads of a deploy. Each host tells once that it has ended its part: by `done` or `failed`."""

    def __init__(self, hosts: Sequence[HostName], sizes: Sequence[int | str]) -> None:
        self._wave = {host: number for number, wave in enumerate(waves(hosts, sizes)) for host in wave}
        self._ready: set[HostName] = set()
        self._ended: set[HostName] = set()
        self._failures: dict[HostName, str] = {}
        self._changed = Condition()

    def wait_for_turn(self, host: HostName) -> None:
        """The release is complete on `host`: wait until it is on all others that have not failed, and until all
        hosts of earlier waves run it. `ProvisionError` when one of those failed."""
        with self._changed:
            self._ready.add(host)
            self._changed.notify_all()
            earlier = {other for other, wave in self._wave.items() if wave < self._wave[host]}
            self._changed.wait_for(lambda: self._is_failed(earlier) or (self._all_ready() and earlier <= self._ended))
            for other in self._wave:
                if other in earlier and other in self._failures:
                    raise ProvisionError(not_gone_on(other, self._failures[other]))

    def done(self, host: HostName) -> None:
        with self._changed:
            self._ended.add(host)
            self._changed.notify_all()

    def failed(self, host: HostName, reason: str) -> None:
        with self._changed:
            self._ended.add(host)
            self._failures.setdefault(host, reason)
            self._changed.notify_all()

    def _is_failed(self, hosts: set[HostName]) -> bool:
        return not hosts.isdisjoint(self._failures)

    def _all_ready(self) -> bool:
        return set(self._wave) <= self._ready | self._ended


def not_gone_on(first: HostName, reason: str) -> str:
    return f"not gone on with: {first}, which goes first, failed: {reason}"
