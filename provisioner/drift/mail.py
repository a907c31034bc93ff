"""Tells people by mail what differs: by this machine's `sendmail`, or by an SMTP server."""

from __future__ import annotations

import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from getpass import getuser
from ipaddress import ip_address
from typing import Final

from provisioner.diag import UsageError
from provisioner.values import Secret

_TIMEOUT: Final = 20.0
"""Seconds for each answer of a server, and for sendmail as a whole."""
_PORTS: Final[Mapping[str, int]] = {"starttls": 587, "tls": 465, "none": 25}
_SENDMAIL: Final = "/usr/sbin:/usr/lib:/usr/local/sbin"
"""Where it is when `PATH` does not have it, as under a timer."""


@dataclass(frozen=True, slots=True)
class Server:
    """An SMTP server. security: `starttls`, `tls` from the first byte, or `none`."""

    host: str
    port: int
    security: str
    user: str = ""
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """How mail leaves this machine. server: none for `sendmail`."""

    sender: str
    server: Server | None = None


def mail_of(server: str, security: str, user: str, password: str, sender: str) -> Mail:
    """The settings of provision.toml and the environment, checked. Empty ones are not set. Raises `UsageError`."""
    chosen = _address(sender or f"{getuser()}@{socket.getfqdn()}")
    if not server:
        if _sendmail() is None:
            raise UsageError("--email: this machine has no sendmail", hint="set `smtp_server` in provision.toml")
        return Mail(chosen)
    host, port = _host_and_port(server)
    security = security or ("none" if _is_here(host) else "tls" if port == _PORTS["tls"] else "starttls")
    if password and security == "none" and not _is_here(host):
        raise UsageError("smtp_security is none: the password would be sent for everybody to read",
                         hint="starttls or tls")  # fmt: skip
    if bool(user) != bool(password):
        raise UsageError("smtp_user and PROVISION_SMTP_PASSWORD go together: one of them is not set")
    return Mail(chosen, Server(host, port or _PORTS[security], security, user, Secret(password) if password else None))


def send(mail: Mail, recipients: Sequence[str], subject: str, text: str) -> str:
    """Send it; gives why that failed, or nothing. A server that does not answer costs 20 seconds, not the run."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, mail.sender, ", ".join(recipients)
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=mail.sender.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # no answers of absent people
    message.set_content(text + "\n")
    try:
        return _by_smtp(mail.server, message) if mail.server else _by_sendmail(mail.sender, recipients, message)
    except smtplib.SMTPResponseException as error:
        return f"the server answers {error.smtp_code}"
    except smtplib.SMTPRecipientsRefused as error:
        return f"the server refuses {', '.join(error.recipients)}"
    except (smtplib.SMTPException, OSError, subprocess.TimeoutExpired) as error:
        return f"it can't be sent: {type(error).__name__}"


def recipients_of(given: Sequence[str]) -> list[str]:
    """The addresses of `--email`, each of which may be several with commas. Raises `UsageError`."""
    return [_address(word.strip()) for text in given for word in text.split(",") if word.strip()]


def _by_smtp(server: Server, message: EmailMessage) -> str:
    context = ssl.create_default_context()
    with (smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT, context=context) if server.security == "tls"
          else smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT)) as connection:  # fmt: skip
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.password is not None:
            connection.login(server.user, server.password.reveal())
        refused = connection.send_message(message)
    return f"the server refuses {', '.join(refused)}" if refused else ""


def _by_sendmail(sender: str, recipients: Sequence[str], message: EmailMessage) -> str:
    program = _sendmail()
    if program is None:
        return "sendmail is gone"
    done = subprocess.run([program, "-i", "-f", sender, "--", *recipients], input=message.as_bytes(),
                          capture_output=True, timeout=_TIMEOUT, check=False)  # fmt: skip
    return f"sendmail ended with {done.returncode}" if done.returncode else ""


def _sendmail() -> str | None:
    return shutil.which("sendmail") or shutil.which("sendmail", path=_SENDMAIL)


def _address(text: str) -> str:
    address = parseaddr(text)[1]
    if address != text or "@" not in address or address.startswith("-") or not text.isprintable() or " " in text:
        raise UsageError(f"{text!r} is not an address for mail", hint="as ada@example.com")
    return address


def _host_and_port(server: str) -> tuple[str, int]:
    """port: 0 if none is given."""
    host, colon, port = server.rpartition(":") if not server.endswith("]") else (server, "", "")
    if not colon:
        host, port = server, "0"
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"smtp_server: {server!r} is not HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
