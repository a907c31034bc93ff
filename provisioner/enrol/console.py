"""A host's keys as it prints them on its console at the first boot, between marks that cloud-init sets.

Lines may have a time or a program's name in front, and a carriage return behind. A block counts when it is complete.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.diag import HostKeyRejected
from provisioner.transport.knownhosts import parse

_MARKS: Final = r"-----BEGIN SSH HOST KEY {0}-----(.*?)-----END SSH HOST KEY {0}-----"
_KEY: Final = re.compile(r"((?:ssh|ecdsa)-[a-z0-9-]+)\s+([A-Za-z0-9+/]{40,}={0,2})")
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_TAIL: Final = 15  # lines


@dataclass(frozen=True, slots=True)
class Printed:
    """keys: `ssh-ed25519 AAAA…`. fingerprints: `SHA256:…`, of the same keys or, on some images, all there is."""

    keys: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.fingerprints)


def printed(console: str) -> Printed:
    """What stands in complete blocks. Raises `HostKeyRejected` if there are blocks that contradict each other."""
    keys = [tuple(" ".join(found) for found in _KEY.findall(block) if parse(f"x {' '.join(found)}", ""))
            for block in _blocks("KEYS", console)]
    prints = [tuple(_FINGERPRINT.findall(block)) for block in _blocks("FINGERPRINTS", console)]
    for blocks in (keys, prints):
        if len({frozenset(block) for block in blocks}) > 1:
            raise HostKeyRejected("The console shows different host keys at different times",
                                  hint="cloud-init prints them once in a machine's life: look at the machine before "
                                       "you trust it, or replace it")
    return Printed(keys[0] if keys else (), prints[0] if prints else ())


def tail(console: str) -> Sequence[str]:
    """The last lines that say something, for messages."""
    return [line.rstrip() for line in console.replace("\r", "").splitlines() if line.strip()][-_TAIL:]


def _blocks(kind: str, console: str) -> Sequence[str]:
    return [block for block in re.findall(_MARKS.format(kind), console, re.DOTALL) if block.strip()]
