"""An SMTP server that keeps what it is given: as much of RFC 5321, 3207 and 4954 as a client can ask of it."""

from __future__ import annotations

import base64
import email
import email.policy
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(slots=True)
class Mailbox:
    """What a server got. tls: whether the last mail came encrypted."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    tls: bool = False
    refused: frozenset[str] = frozenset()
    silent: threading.Event = field(default_factory=threading.Event)
    """Set: it takes connections and says nothing."""


@contextmanager
def mail_server(
    address: str = "127.0.0.1", certificate: Path | None = None, *, login: bool = False
) -> Iterator[Mailbox]:
    """certificate: a file of `certificate_for`; STARTTLS is offered then."""
    box = Mailbox()
    ended = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self) -> None:
            with ExitStack() as opened:
                self.talk(opened)

        def talk(self, opened: ExitStack) -> None:
            if box.silent.is_set():
                ended.wait(120)
                return
            self.say("220 test")
            tls = False
            while line := self.rfile.readline().decode().strip():
                verb, _, rest = line.partition(" ")
                match verb.upper():
                    case "EHLO":
                        offers = ["test", *(["STARTTLS"] if certificate and not tls else []),
                                  *(["AUTH PLAIN"] if login else [])]  # fmt: skip
                        self.say("\r\n".join([*(f"250-{each}" for each in offers), "250 8BITMIME"]))
                    case "STARTTLS" if certificate:
                        self.say("220 go on")
                        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                        context.load_cert_chain(certificate)
                        try:
                            wrapped = context.wrap_socket(self.request, server_side=True)
                        except OSError:  # the client did not like the certificate
                            return
                        opened.callback(wrapped.close)
                        self.request = wrapped
                        self.setup()
                        tls = True
                    case "AUTH":
                        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                        box.logins.append((user, password))
                        self.say("535 wrong" if password == "wrong" else "235 welcome")
                    case "RCPT":
                        refused = any(f"<{each}>" in rest for each in box.refused)
                        self.say("550 nobody" if refused else "250 fine")
                    case "DATA":
                        self.say("354 go on")
                        lines = iter(self.rfile.readline, b".\r\n")
                        text = b"".join(line.removeprefix(b".").replace(b"\r\n", b"\n") for line in lines)
                        box.tls = tls
                        box.mails.append(email.message_from_bytes(text, policy=email.policy.default))
                        self.say("250 got it")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 fine")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server((address, 0), Handler) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield box
        finally:
            ended.set()
            server.shutdown()
            thread.join()


def certificate_for(name: str, file: Path) -> Path:
    """Writes a self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))  # fmt: skip
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
    return file
