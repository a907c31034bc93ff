"""Host keys: whose key is expected, whether the one that is shown is right, and what to say when it is not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from provisioner.diag import HostKeyRejected
from provisioner.transport import hostcerts
from provisioner.transport.knownhosts import SSH_PORT, HostKey, KnownHosts, Line, add, hashed, in_file

_ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


@dataclass(frozen=True)
class HostIdentity:
    """Whose key is expected. `alias` (HostKeyAlias) is looked up as it is, without the port, as ssh does."""

    host: str
    port: int = SSH_PORT
    alias: str | None = None

    @cached_property
    def name(self) -> str:
        if self.alias:
            return self.alias.lower()
        return in_file(self.host, self.port)

    @cached_property
    def fallback(self) -> str | None:
        """ssh takes a key that is known for the host without the port as good for every port."""
        return self.host.lower() if not self.alias and self.port != SSH_PORT else None


def preferred_algorithms(known: KnownHosts, identity: HostIdentity, supported: Sequence[str]) -> list[str]:
    """`supported`, those of keys we know first: a server shows one key only, so it must be asked for the right one.

    Where an authority is known for the host, certificates come before all keys; else none is asked for.
    """
    lines = [line for name in (identity.name, identity.fallback) if name for line in known.lookup(name)]
    first = [algorithm for kind in dict.fromkeys(line.key.type for line in lines if not line.marker)
             for algorithm in _ALGORITHMS.get(kind, ())]
    plain = [algorithm for algorithm in supported if not algorithm.endswith(hostcerts.SUFFIX)]
    ordered = [algorithm for algorithm in plain if algorithm in first]
    ordered += [algorithm for algorithm in plain if algorithm not in first]
    if any(line.marker == "cert-authority" for line in lines):
        return [f"{algorithm}{hostcerts.SUFFIX}" for algorithm in ordered] + ordered
    return ordered


@dataclass(frozen=True, slots=True)
class Verifier:
    """Decides on the key a server shows, before anything is sent to it. policy: `strict` or `accept-new`."""

    known: KnownHosts
    identity: HostIdentity
    policy: str = "strict"
    store: str | None = None
    """The file that `accept-new` adds to."""
    hash_names: bool = False

    now: Callable[[], float] = time.time

    def verify(self, offered: HostKey, certificate: bytes | None = None) -> None:
        """Return if `offered` is the host's key, else raise `HostKeyRejected` with what was seen and how to mend it.

        certificate: what the server showed, if that was no bare key but a certificate of `offered`.
        """
        found = self.known.lookup(self.identity.name)
        bare = self.known.lookup(self.identity.fallback) if self.identity.fallback else ()
        for line in (*found, *bare):
            if line.marker == "revoked" and line.key == offered:
                raise self._revoked(offered, line)
        if any(not line.marker and line.key == offered for line in (*found, *bare)):
            return
        authorities = [line for line in (*found, *bare) if line.marker == "cert-authority"]
        if authorities and certificate is not None:
            self._certified(offered, certificate, (*found, *bare))
            return
        plain = [line for line in found if not line.marker]
        if plain:
            raise self._changed(offered, plain)
        if authorities:
            raise self._uncertified(offered, authorities[0])
        if self.policy == "accept-new" and self.store:
            add(self.store, hashed(self.identity.name) if self.hash_names else self.identity.name, offered)
            return
        raise self._unknown(offered)

    def _certified(self, offered: HostKey, certificate: bytes, lines: Sequence[Line]) -> None:
        """Return if the certificate holds."""
        authorities = [line for line in lines if line.marker == "cert-authority"]
        revoked = [line.key for line in lines if line.marker == "revoked"]
        # A certificate is for a host, whatever the port.
        name = self.identity.alias or self.identity.host
        refused = hostcerts.refusal(certificate, name.lower(), [line.key for line in authorities], revoked, self.now())
        if refused is not None:
            where = ", ".join(line.where for line in authorities)
            raise HostKeyRejected(
                f"The host key of {self.identity.name}, {offered.spoken} {offered.fingerprint}, is not proven: its "
                f"certificate {refused.reason} ({where}). Nothing was sent to it", hint=refused.hint)

    def _changed(self, offered: HostKey, plain: Sequence[Line]) -> HostKeyRejected:
        same_type = [line for line in plain if line.key.type == offered.type]
        lines = same_type or plain
        known = ", ".join(f"{line.key.spoken} {line.key.fingerprint} ({line.where})" for line in lines)
        what = "has changed" if same_type else "is of a type that is not known for it"
        removal = " ; ".join(f"ssh-keygen -R '{self.identity.name}' -f {file}"
                             for file in dict.fromkeys(line.file for line in lines))
        return HostKeyRejected(
            f"The host key of {self.identity.name} {what}: it shows {offered.spoken} {offered.fingerprint}, "
            f"known is {known}. Nothing was sent to it",
            hint="somebody may be in between, or the host was installed anew. If the new key is right, remove the old "
                 f"one with `{removal}` and add the new one with `{self._scan(offered)}`")

    def _unknown(self, offered: HostKey) -> HostKeyRejected:
        read = ", ".join(f"{file}{'' if os.path.exists(file) else ' (not there)'}" for file in self.known.files)
        return HostKeyRejected(
            f"The host key of {self.identity.name} is not known: it shows {offered.spoken} {offered.fingerprint}, "
            f"and no line for it is in {read or 'any known_hosts file'}. Nothing was sent to it",
            hint="compare the fingerprint with the one on the host (`ssh-keygen -lf /etc/ssh/ssh_host_"
                 f"{offered.spoken.lower()}_key.pub`), then add it with `{self._scan(offered)}`, or let "
                 "`--accept-new-host-keys` add it")

    def _revoked(self, offered: HostKey, line: Line) -> HostKeyRejected:
        return HostKeyRejected(
            f"The host key of {self.identity.name}, {offered.spoken} {offered.fingerprint}, is marked @revoked at "
            f"{line.where}. Nothing was sent to it",
            hint="give the host a new key; the old one is known to be in wrong hands")

    def _uncertified(self, offered: HostKey, line: Line) -> HostKeyRejected:
        return HostKeyRejected(
            f"{self.identity.name} is to be verified by a certificate authority ({line.where}), but shows no "
            f"certificate, only the key {offered.spoken} {offered.fingerprint}. Nothing was sent to it",
            hint="give the host a certificate of this authority, or, if the key is right, add it beside the "
                 f"authority: `{self._scan(offered)}`")

    def _scan(self, offered: HostKey) -> str:
        kind = {"ED25519": "ed25519", "RSA": "rsa"}.get(offered.spoken, "ecdsa")
        port = f" -p {self.identity.port}" if self.identity.port != SSH_PORT else ""
        # Of several files the first one is what ssh itself would write to.
        file = self.store or (self.known.files[0] if self.known.files else "~/.ssh/known_hosts")
        scan = f"ssh-keyscan -t {kind}{port} {self.identity.host}"
        if self.identity.alias:
            scan += f" | sed 's/^[^ ]*/{self.identity.alias}/'"
        return f"{scan} >> {file}"
