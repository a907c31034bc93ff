"""Installing Node.js from a mirror or a registry on loopback: what is taken, what is checked, what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module

ARCH = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]


def tarball(top: str, files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size, info.mode = len(text), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def program(version: str) -> str:
    return f"#!/bin/sh\necho v{version}\n"


class Web:
    """Files by path; `paths` are those that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.paths: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.paths.append(self.path)
                body = web.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def mirror(self, version: str, *, digest: str | None = None) -> None:
        name = f"node-v{version}-linux-{ARCH}.tar.gz"
        data = tarball("node", {"bin/node": program(version), "bin/npm": "#!/bin/sh\n"})
        sums = f"{'0' * 64}  node-v{version}.tar.gz\n{digest or hashlib.sha256(data).hexdigest()}  {name}\n".encode()
        for folder in (f"v{version}", f"latest-v{version.partition('.')[0]}.x"):
            self.files |= {f"/{folder}/SHASUMS256.txt": sums, f"/{folder}/{name}": data}

    def package(self, name: str, versions: dict[str, dict[str, str]], *, broken: bool = False) -> None:
        manifests = {}
        for version, files in versions.items():
            data = tarball("package", files)
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(b"other" if broken else data).digest()).decode()
            path = f"/{name}/-/{name}-{version}.tgz"
            self.files[path] = data
            manifests[version] = {"version": version, "dist": {"tarball": self.url + path, "integrity": integrity}}
            self.files[f"/{name}/{version}"] = json.dumps(manifests[version]).encode()
        self.files[f"/{name}"] = json.dumps({"versions": manifests}).encode()

    def registry(self, *node_versions: str, broken: bool = False) -> None:
        nodes = {version: {"bin/node": program(version)} for version in node_versions}
        self.package(f"node-linux-{ARCH}", nodes, broken=broken)
        cli = {"bin/npm-cli.js": "", "bin/npx-cli.js": ""}
        self.package("npm", {"10.9.2": cli, "10.10.0": cli, "11.1.0": cli})


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    with web.server:
        thread = threading.Thread(target=web.server.serve_forever, args=(0.01,))
        thread.start()
        yield web
        web.server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "node"


def install(root: Path, version: str, **args: str) -> dict[str, Any]:
    return run_module("nextjs_node", {"version": version, "root": str(root), **args})


@pytest.mark.parametrize("wanted", ["22", "22.3.0"])
def test_the_official_tarball_is_taken_where_it_can_be_had(web: Web, root: Path, wanted: str) -> None:
    web.mirror("22.3.0")
    result = install(root, wanted, mirror=web.url)
    assert (result["changed"], result["version"]) == (True, "22.3.0")
    assert (root / "22.3.0/bin/node").read_text() == program("22.3.0")
    assert os.listdir(root) == ["22.3.0"]
    asked = len(web.paths)
    assert install(root, wanted, mirror=web.url)["changed"] is False
    assert len(web.paths) == asked


def test_check_mode_knows_the_version_and_installs_nothing(web: Web, root: Path) -> None:
    web.mirror("22.3.0")
    result = run_module("nextjs_node", {"version": "22", "mirror": web.url, "root": str(root)}, check=True)
    assert (result["changed"], result["version"]) == (True, "22.3.0")
    assert not root.exists()


def test_a_wrong_checksum_installs_nothing(web: Web, root: Path) -> None:
    web.mirror("22.3.0", digest="a" * 64)
    result = install(root, "22", mirror=web.url)
    assert "checksum" in result["msg"]
    assert not (root / "22.3.0").exists()


@pytest.mark.parametrize(("wanted", "version", "npm"), [
    ("22", "22.11.0", "10.10.0"), ("22.9.0", "22.9.0", "10.10.0"), ("24", "24.1.0", "11.1.0"),
])  # fmt: skip
def test_the_registry_stands_in_with_the_newest_of_the_major(
    web: Web, root: Path, wanted: str, version: str, npm: str
) -> None:
    web.registry("22.9.0", "22.11.0", "2.22.0", "24.1.0")
    result = install(root, wanted, mirror="http://127.0.0.1:9", registry=web.url)
    assert result["version"] == version, result
    assert os.readlink(root / version / "bin/npm") == "../lib/node_modules/npm/bin/npm-cli.js"
    assert any(path.endswith(f"npm-{npm}.tgz") for path in web.paths)


def test_a_wrong_integrity_installs_nothing(web: Web, root: Path) -> None:
    web.registry("22.9.0", broken=True)
    assert "sha512 checksum" in install(root, "22", mirror="http://127.0.0.1:9", registry=web.url)["msg"]
    assert not (root / "22.9.0").exists()


def test_a_version_that_is_nowhere_is_told(web: Web, root: Path) -> None:
    web.registry("22.9.0")
    assert f"has no node-linux-{ARCH} 23" in install(root, "23", mirror="http://127.0.0.1:9", registry=web.url)["msg"]
    assert "404" in install(root, "22.1.0", mirror=web.url)["msg"]


def test_a_broken_download_is_not_left_as_a_version(web: Web, root: Path) -> None:
    web.mirror("22.3.0")
    web.files[f"/latest-v22.x/node-v22.3.0-linux-{ARCH}.tar.gz"] = b""
    assert install(root, "22", mirror=web.url)["failed"]
    (root / ".22.3.0.partial").mkdir(parents=True, exist_ok=True)
    web.mirror("22.3.0")
    assert install(root, "22", mirror=web.url)["changed"]
    assert os.listdir(root) == ["22.3.0"]
