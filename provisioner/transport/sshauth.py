"""Who we are to an SSH server: keys of files and of the agent in a stated order, then the password."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import paramiko
from paramiko.agent import AgentSSH
from paramiko.pkey import UnknownKeyType

from provisioner.diag import AuthenticationFailed
from provisioner.transport.sshconfig import HostSettings
from provisioner.values import Secret

_AGENT_TIMEOUT = 10.0
_PASSWORD = "the password"  # noqa: S105 - how it is called in messages


class _Agent(AgentSSH):
    """The agent behind a given socket (`IdentityAgent`); paramiko's own knows only SSH_AUTH_SOCK."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_AGENT_TIMEOUT)
        try:
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]  # what paramiko's own subclasses do
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


@dataclass(slots=True)
class Authenticator:
    """paramiko's `auth_strategy`: called with a transport whose host key is verified.

    key_files: those of the target; when there are any, the user's default keys are not tried.
    """

    host: str
    user: str
    settings: HostSettings
    key_files: Sequence[str] = ()
    password: Secret | None = None
    _tried: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _accepted: list[str] = field(default_factory=list)

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Raises `AuthenticationFailed` that lists what was tried."""
        agent = self._open_agent()
        try:
            for label, key in self._keys(agent):
                if self._offer(transport, label, key):
                    return
                if self._accepted and "publickey" not in self._accepted:
                    break
        finally:
            if agent is not None:
                agent.close()
        if self.password is not None and self._log_in(transport, self.password):
            return
        raise self._failure()

    def _offer(self, transport: paramiko.Transport, label: str, key: paramiko.PKey) -> bool:
        self._tried.append(label)
        try:
            further = transport.auth_publickey(self.user, key)
        except paramiko.BadAuthenticationType as error:
            self._accepted = list(error.allowed_types)
            return False
        except paramiko.AuthenticationException as error:
            self._gone(transport, str(error))
            return False
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._gone(transport, str(error), broken=isinstance(error, OSError | EOFError))
            self._notes.append(f"{label} cannot be used: {error}")
            return False
        if further:
            self._accepted = list(further)
            self._notes.append(f"{label} was accepted, but the host wants more: {', '.join(further)}")
        return not further

    def _log_in(self, transport: paramiko.Transport, password: Secret) -> bool:
        self._tried.append(_PASSWORD)
        try:
            return not transport.auth_password(self.user, password.reveal())
        except paramiko.BadAuthenticationType as error:
            self._accepted = list(error.allowed_types)
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._gone(transport, str(error), broken=isinstance(error, OSError | EOFError))
        return False

    def _gone(self, transport: paramiko.Transport, said: str, *, broken: bool = False) -> None:
        """Raise if the connection has ended: nothing further can be tried on it."""
        if "timeout" in said.lower():
            raise AuthenticationFailed(f"{self.host} did not answer the login of {self.user} in time",
                                       hint="look at the host's sshd log; slow PAM or LDAP modules do this")
        if broken or not transport.is_active():
            raise AuthenticationFailed(
                f"{self.host} closed the connection while {self.user} logged in, after {self._listed()}",
                hint="too many keys? give the right one with `--private-key` and set `IdentitiesOnly yes`")

    def _failure(self) -> AuthenticationFailed:
        notes = "".join(f"; {note}" for note in self._notes)
        accepts = f"; it accepts {', '.join(self._accepted)}" if self._accepted else ""
        return AuthenticationFailed(
            f"{self.host} does not let {self.user} in: tried {self._listed()}{accepts}{notes}", hint=self._hint())

    def _hint(self) -> str:
        if not self._tried:
            return ("name a key with `--private-key` (`ansible_ssh_private_key_file`), load one with `ssh-add`, or "
                    "give a password with `-k`")
        if self._tried == [_PASSWORD]:
            return "check the user (`-u`) and the password (`-k`); sshd may also forbid passwords, above all for root"
        return "check the user (`-u`), the key (`--private-key`) and the host's authorized_keys"

    def _listed(self) -> str:
        return ", ".join(self._tried) or "nothing, as there is no key and no password"

    # -- keys -------------------------------------------------------------------------------------------------
    def _keys(self, agent: _Agent | None) -> Iterator[tuple[str, paramiko.PKey]]:
        files = list(self.key_files) or [path for path in self.settings.identity_files if os.path.exists(path)]
        held = [] if agent is None else list(agent.get_keys())
        wanted = {blob for file in files if (blob := _public_blob(file))}
        only = self.settings.identities_only
        chosen = [key for key in held if key.asbytes() in wanted or (not only and not self.key_files)]
        for key in chosen:
            yield f"the agent's key {_named(key)}", key
        offered = {key.asbytes() for key in chosen}
        for file in files:
            loaded = self._load(os.path.expanduser(file), offered)
            if loaded is not None:
                yield f"key {file}", loaded
        if not only:
            for key in held:
                if key not in chosen:
                    yield f"the agent's key {_named(key)}", key

    def _load(self, file: str, offered: set[bytes]) -> paramiko.PKey | None:
        if _public_blob(file) in offered:
            return None  # the agent has offered it already
        try:
            key = paramiko.PKey.from_path(file)
            for certificate in self.settings.certificate_files:
                if certificate in (f"{file}-cert.pub", f"{file}.pub-cert") or len(self.settings.certificate_files) == 1:
                    key.load_certificate(certificate)
        except FileNotFoundError:
            self._notes.append(f"the key file {file} is not there")
        except (TypeError, paramiko.PasswordRequiredException):
            self._notes.append(f"{file} is protected by a passphrase: add it to the agent with `ssh-add {file}`")
        except OSError as error:
            self._notes.append(f"{file} cannot be read: {error.strerror}")
        except (ValueError, paramiko.SSHException, UnknownKeyType) as error:
            self._notes.append(_no_key(file, error))
        else:
            return key
        return None

    def _open_agent(self) -> _Agent | None:
        if not self.settings.identity_agent:
            return None
        try:
            return _Agent(self.settings.identity_agent)
        except (OSError, paramiko.SSHException, ValueError) as error:
            self._notes.append(f"the agent at {self.settings.identity_agent} does not answer: {error}")
            return None


def _no_key(file: str, error: Exception) -> str:
    with open(os.path.expanduser(file), "rb") as opened:
        begins = opened.read(64)
    if begins.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        return f"{file} is a public key; name the private one, `{file.removesuffix('.pub')}`"
    if b"PRIVATE KEY" not in begins:
        return f"{file} is not a private key"
    return f"{file} is not a key that can be used: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


def _named(key: Any) -> str:
    return str(getattr(key, "comment", "") or key.get_name())


def _public_blob(file: str) -> bytes | None:
    """The public half that lies beside a private key."""
    try:
        with open(os.path.expanduser(file) + ".pub", encoding="utf-8", errors="replace") as public:
            fields = public.read(16 << 10).split()
        return paramiko.pkey.PublicBlob.from_string(" ".join(fields[:2])).key_blob
    except (OSError, ValueError, IndexError):
        return None
