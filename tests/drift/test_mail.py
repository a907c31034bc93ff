from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import UsageError
from provisioner.drift import mail
from provisioner.drift.mail import Mail, mail_of, recipients_of, send
from tests.drift.mailserver import Mailbox, certificate_for, mail_server

TO = ["ada@example.com", "ops@example.com"]


def at(box: Mailbox, security: str = "", user: str = "", password: str = "") -> Mail:
    return mail_of(f"localhost:{box.port}", security, user, password, "provision@example.com")


def test_a_mail_says_what_differs() -> None:
    with mail_server() as box:
        assert send(at(box), TO, "site: 1 drifted", "• drifted: web-1  Motd ✓") == ""
    (got,) = box.mails
    assert (got["Subject"], got["From"], got["To"]) == ("site: 1 drifted", "provision@example.com", ", ".join(TO))
    assert got.get_content() == "• drifted: web-1  Motd ✓\n"
    assert got["Auto-Submitted"] == "auto-generated"


def test_a_password_goes_through_starttls_and_to_the_right_server_only(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    certificate = certificate_for("localhost", tmp_path / "cert.pem")
    with mail_server(certificate=certificate, login=True) as box:
        mine = at(box, "starttls", "me", "canary")
        assert send(mine, TO, "x", "y") == "it can't be sent: SSLCertVerificationError"
        assert box.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert send(mine, TO, "x", "y") == ""
        assert (box.logins, box.tls) == ([("me", "canary")], True)
        problem = send(at(box, "starttls", "me", "wrong"), TO, "x", "y")
    assert problem == "the server answers 535"
    assert "canary" not in repr(mine)


def test_a_server_that_lost_starttls_gets_nothing() -> None:
    with mail_server(login=True) as box:
        assert send(at(box, "starttls", "me", "canary"), TO, "x", "y") == "it can't be sent: SMTPNotSupportedError"
    assert (box.mails, box.logins) == ([], [])


def test_a_server_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_TIMEOUT", 0.2)
    with mail_server() as box:
        box.silent.set()
        assert send(at(box), TO, "x", "y") == "it can't be sent: SMTPServerDisconnected"


def test_refused_recipients_are_named() -> None:
    with mail_server() as box:
        box.refused = frozenset(TO[:1])
        assert send(at(box), TO, "x", "y") == "the server refuses ada@example.com"
        assert len(box.mails) == 1
        box.refused = frozenset(TO)
        assert "refuses" in send(at(box), TO, "x", "y")


def test_without_a_server_sendmail_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "sendmail"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/argv; cat > {tmp_path}/mail; exit $(cat {tmp_path}/code)\n')
    program.chmod(0o755)
    (tmp_path / "code").write_text("0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert send(mail_of("", "", "", "", "me@example.com"), TO, "x", "y") == ""
    assert (tmp_path / "argv").read_text() == "-i -f me@example.com -- ada@example.com ops@example.com\n"
    assert "Subject: x" in (tmp_path / "mail").read_text()
    (tmp_path / "code").write_text("75")
    assert send(mail_of("", "", "", "", "me@example.com"), TO, "x", "y") == "sendmail ended with 75"


def test_a_machine_without_sendmail_says_so_before_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_sendmail", lambda: None)
    with pytest.raises(UsageError, match="no sendmail"):
        mail_of("", "", "", "", "me@example.com")


@pytest.mark.parametrize(("server", "security", "expected"), [
    ("mail.example.com", "", ("mail.example.com", 587, "starttls")),
    ("mail.example.com:465", "", ("mail.example.com", 465, "tls")),
    ("mail.example.com", "tls", ("mail.example.com", 465, "tls")),
    ("[2001:db8::1]:25", "", ("2001:db8::1", 25, "starttls")),
    ("[::1]", "", ("::1", 25, "none")),
    ("relay.lan", "none", ("relay.lan", 25, "none")),
])  # fmt: skip
def test_security_follows_from_port_and_place(server: str, security: str, expected: tuple[str, int, str]) -> None:
    found = mail_of(server, security, "", "", "me@example.com").server
    assert found is not None
    assert (found.host, found.port, found.security) == expected


@pytest.mark.parametrize(("server", "security", "user", "password", "message"), [
    ("relay.lan", "none", "me", "secret", "for everybody to read"),
    ("relay.lan", "", "me", "", "go together"),
    ("relay.lan", "", "", "secret", "go together"),
    ("relay.lan:smtp", "", "", "", "HOST:PORT"),
])  # fmt: skip
def test_settings_that_can_not_be_meant_are_refused(
        server: str, security: str, user: str, password: str, message: str) -> None:  # fmt: skip
    with pytest.raises(UsageError, match=message) as told:
        mail_of(server, security, user, password, "me@example.com")
    assert "secret" not in str(told.value)


def test_addresses_are_checked() -> None:
    assert recipients_of(["a@b.c, d@e.f", "g@h.i"]) == ["a@b.c", "d@e.f", "g@h.i"]
    for wrong in ("ada", "-oQ/x@y", "a@b\nBcc: c@d", "Ada <a@b.c>"):
        with pytest.raises(UsageError, match="not an address"):
            recipients_of([wrong])
