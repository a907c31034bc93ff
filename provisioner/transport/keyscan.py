"""The key a server shows, without a login and without believing it: for comparing with a fingerprint."""

from __future__ import annotations

import paramiko

from provisioner.diag import HostUnreachable
from provisioner.transport import sockets
from provisioner.transport.knownhosts import SSH_PORT, HostKey
from provisioner.transport.sshstream import GONE


def shown_key(host: str, port: int = SSH_PORT, *, timeout: float = 15.0) -> HostKey:
    """Raises `HostUnreachable`."""
    sock = sockets.connect(host, port, timeout=timeout)
    transport = paramiko.Transport(sock)
    try:
        transport.start_client(timeout=timeout)
        key = transport.get_remote_server_key()
    except GONE as error:
        raise HostUnreachable(f"{host} port {port} does not show a host key: {error}") from None
    finally:
        transport.close()
        sock.close()
    return HostKey(key.get_name(), key.asbytes())
