"""The certificate that a web server of this host shows, asked over TLS on loopback."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.remote.nextjs.certificates import covers, described, served
from provisioner.testing.inprocess import make_context

NAMES = "DNS:shop.test,DNS:*.shop.test"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-keyout", folder / "key.pem", "-out", folder / "certificate.pem", "-subj", "/CN=shop.test/O=Shop",
         "-set_serial", "0xABC1", "-addext", f"subjectAltName={NAMES}"], check=True, capture_output=True)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def port(pair: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair / "certificate.pem", pair / "key.pem")
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                accepted = listening.accept()[0]
            except OSError:  # closed below
                return
            with accepted:
                try:
                    context.wrap_socket(accepted, server_side=True).close()
                except OSError:  # the client has seen enough
                    continue

    thread = threading.Thread(target=answer)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_what_is_served_is_told_for_each_name(port: int) -> None:
    found = served(make_context(), ["shop.test", "www.shop.test", "other.test"], port=port)
    assert [(one["name"], one["fits"]) for one in found] == [
        ("shop.test", True), ("www.shop.test", True), ("other.test", False)]  # fmt: skip
    assert found[0]["serial"] == "ABC1"
    assert found[0]["names"] == ["*.shop.test", "shop.test"]
    assert found[0]["days"] == 29
    assert "O=Shop" in found[0]["issuer"]


def test_where_nothing_answers_only_the_name_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = listening.getsockname()[1]
    assert served(make_context(), ["shop.test"], port=closed) == [{"name": "shop.test"}]


def test_a_file_is_described_by_its_first_certificate(pair: Path) -> None:
    text = (pair / "certificate.pem").read_text()
    found = described(make_context(), text)
    assert found is not None
    assert (found["serial"], found["days"]) == ("ABC1", 29)
    assert described(make_context(), "nothing") is None


@pytest.mark.parametrize(("wanted", "fits"), [
    ("shop.test", True), ("SHOP.test", True), ("a.shop.test", True), ("a.b.shop.test", False), ("test", False),
])  # fmt: skip
def test_a_star_covers_one_label(wanted: str, fits: bool) -> None:
    assert covers(["shop.test", "*.shop.test"], wanted) is fits
