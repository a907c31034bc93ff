"""What is found wrong with a certificate that a user brings."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioner.nextjs.certificates import Files, read
from provisioner.nextjs.settings.https import Acme, Own
from provisioner.remote.nextjs.certificates import secure_names
from provisioner.values import Secret

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
Key = ec.EllipticCurvePrivateKey


def issued(names: list[str], *, key: Key, by: Key, issuer: str, days: int = 90, begins: int = -1) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=begins))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    )
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(key: Key, password: bytes | None = None) -> bytes:
    locked: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


LEAF, ROOT = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
KEY = pem(LEAF)
ABOVE = issued(["the root"], key=ROOT, by=ROOT, issuer="the root", days=3650)


def leaf(*names: str, **more: Any) -> bytes:
    return issued([*(names or ("shop.example.com",))], key=LEAF, by=ROOT, issuer="the root", **more)


def findings(
    folder: Path, certificate: bytes, key: bytes | Secret = KEY, domains: tuple[str, ...] = ("shop.example.com",)
) -> tuple[Files, list[str], list[str]]:
    """Also what stops the deploy, and what is a warning."""
    (folder / "shop.pem").write_bytes(certificate)
    if isinstance(key, bytes):
        (folder / "files").mkdir(exist_ok=True)
        (folder / "files/shop.key").write_bytes(key)
    own = Own("shop.pem", key if isinstance(key, Secret) else "shop.key")
    files, found = read(own, [str(folder)], domains, NOW.timestamp())
    return files, [str(one) for one in found if one.stops], [str(one) for one in found if not one.stops]


def test_a_pair_that_fits_is_read_and_nothing_said(tmp_path: Path) -> None:
    files, errors, warnings = findings(tmp_path, leaf() + ABOVE)
    assert (errors, warnings) == ([], [])
    assert files == Files((leaf_text := (tmp_path / "shop.pem").read_text()), Secret(pem(LEAF).decode()))
    assert leaf_text.count("BEGIN") == 2
    assert "BEGIN" not in repr(files.key)


def test_a_vaulted_key_is_given_as_it_is(tmp_path: Path) -> None:
    files, errors, _ = findings(tmp_path, leaf(), Secret("the key"))
    assert (files.key, errors) == (Secret("the key"), [])


@pytest.mark.parametrize(("certificate", "key", "domains", "words"), [
    (b"no certificate", pem(LEAF), ("shop.example.com",), "holds no certificate that can be read"),
    (leaf(days=0), pem(LEAF), ("shop.example.com",), "expired on 2026-06-01"),
    (leaf(begins=2), pem(LEAF), ("shop.example.com",), "only valid from 2026-06-03 00:00 UTC"),
    (leaf(), pem(LEAF), ("shop.example.com", "www.example.com"), "is for shop.example.com and not for www.example.com"),
    (leaf("*.example.com"), pem(LEAF), ("a.b.example.com",), "not for a.b.example.com"),
    (leaf(), pem(ROOT), ("shop.example.com",), "shop.key is not that of the certificate in shop.pem"),
    (leaf(), b"no key", ("shop.example.com",), "shop.key holds no private key"),
    (leaf(), b"$ANSIBLE_VAULT;1.1;AES256\n6162", ("shop.example.com",), "by the vault; put it into a variable"),
    (leaf(), pem(LEAF, b"secret"), ("shop.example.com",), "shop.key has a password"),
    (ABOVE + leaf("the root"), pem(ROOT), ("the root",), "which did not issue it"),
])  # fmt: skip
def test_what_browsers_would_refuse_stops_the_deploy(
    certificate: bytes, key: bytes, domains: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    _, errors, _ = findings(tmp_path, certificate, key, domains)
    assert len(errors) == 1, errors
    assert words in errors[0]


def test_a_star_stands_for_one_label(tmp_path: Path) -> None:
    assert findings(tmp_path, leaf("*.example.com"), domains=("Shop.example.com",))[1] == []


def test_one_that_ends_soon_is_a_warning(tmp_path: Path) -> None:
    _, errors, warnings = findings(tmp_path, leaf(days=20))
    assert errors == []
    assert "expires in 20 days, on 2026-06-21" in warnings[0]


def test_a_file_that_is_not_there_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    _, found = read(Own("a.pem", "a.key"), [str(tmp_path)], (), NOW.timestamp())
    assert f"there is no file a.pem; looked for {tmp_path}/files/a.pem, {tmp_path}/a.pem" in str(found[0])


def test_the_root_of_a_private_authority_is_read(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ABOVE)
    files, found = read(Acme("o@a.com", ca_root="root.pem"), [str(tmp_path)], ("a.com",), NOW.timestamp())
    assert (files.root, found) == (ABOVE.decode(), ())
    assert read(Acme("o@a.com"), [], ("a.com",), NOW.timestamp()) == (Files(), ())


@pytest.mark.parametrize("site", ["own", "acme"])
def test_the_names_of_a_site_over_https_are_read_from_it_whatever_the_web_server(site: str) -> None:
    nginx, caddy = ((GOLDEN / f"{site}.{ending}").read_text() for ending in ("conf", "caddy"))
    names = ["shop.example.com", "www.shop.example.com"]
    assert secure_names(nginx, "") == secure_names("", caddy) == names
    assert secure_names((GOLDEN / "shop.conf").read_text(), (GOLDEN / "shop.caddy").read_text()) == []
