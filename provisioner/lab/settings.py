"""What a host on this machine needs to reach the outside exactly as this machine does.

Name servers, proxies, extra certificate authorities and the npm client's settings are taken over; credentials are not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from provisioner.lab.command import run

EXTRA_AUTHORITIES = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Variables that name a bundle of authorities: on a host they all name its own bundle, which has ours merged in.
BUNDLE_VARIABLES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
NPM_SETTINGS = ("registry", "cafile", "proxy", "https-proxy", "noproxy", "strict-ssl")
NPM_FILES = ("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "~/.npmrc")
APT_SETTINGS = re.compile(r'^Acquire::(?:https?::Proxy(?:::[^ ]+)?|https::CAInfo) "[^"]+";$', re.MULTILINE)


def extra_authorities() -> dict[str, bytes]:
    """File name -> certificate, of the authorities that were added to this machine by hand."""
    return {path.name: path.read_bytes() for path in sorted(EXTRA_AUTHORITIES.glob("*.crt"))}


def network_files() -> dict[str, str]:
    """Path inside a host (relative to its root) -> content, for everything but the authorities themselves."""
    npm = npm_settings(path.read_text(errors="replace") for path in map(_expanded, NPM_FILES) if path.is_file())
    variables = environment(os.environ, npm)
    files = {"etc/resolv.conf": resolver(), "etc/apt/apt.conf.d/90lab": apt_settings()}
    if npm:
        files["etc/npmrc"] = "".join(f"{key}={value}\n" for key, value in npm.items())
    if variables:
        quoted = " ".join(f'"{name}={value}"' for name, value in variables.items())
        files["etc/environment"] = "".join(f'{name}="{value}"\n' for name, value in variables.items())
        files["etc/systemd/system.conf.d/lab.conf"] = f"[Manager]\nDefaultEnvironment={quoted.replace('%', '%%')}\n"
        files["etc/sudoers.d/lab-network"] = f'Defaults env_keep += "{" ".join(variables)}"\n'
    return files


def environment(outer: Mapping[str, str], npm: Mapping[str, str]) -> dict[str, str]:
    """Variables every login and service of a host gets. A Node from a tarball reads no /etc/npmrc, hence npm's."""
    found = {name: BUNDLE for name in BUNDLE_VARIABLES if outer.get(name)}
    found |= {name: outer[name] for name in PROXY_VARIABLES if outer.get(name)}
    found |= {"NPM_CONFIG_" + key.upper().replace("-", "_"): value for key, value in npm.items()}
    return {name: value for name, value in found.items() if not re.search(r'["\n\\]', value)}


def npm_settings(files: Iterable[str]) -> dict[str, str]:
    """The settings that decide where npm downloads from; later files win, tokens and passwords are left behind."""
    found: dict[str, str] = {}
    for text in files:
        for line in text.splitlines():
            key, separator, value = (part.strip() for part in line.partition("="))
            if separator and key in NPM_SETTINGS and value and "${" not in value:
                found[key] = BUNDLE if key == "cafile" else value.strip("\"'")
    return found


def apt_settings() -> str:
    """This machine's proxy for apt, and retries, since a lab's first minutes are downloads."""
    return "\n".join([*APT_SETTINGS.findall(run(["apt-config", "dump"])), 'Acquire::Retries "3";', ""])


def resolver() -> str:
    """A resolv.conf without the stub on loopback that some machines run: a host cannot reach that."""
    text = Path("/etc/resolv.conf").read_text()
    upstream = Path("/run/systemd/resolve/resolv.conf")
    if re.search(r"^nameserver\s+127\.", text, re.MULTILINE) and upstream.is_file():
        return upstream.read_text()
    return text


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Put `files` under `root`, readable by all; sudoers files with the mode sudo insists on."""
    for name, content in files.items():
        path = root / name
        make_directories(path.parent)
        path.unlink(missing_ok=True)  # never through a symbolic link of the image
        path.write_text(content)
        path.chmod(0o440 if "sudoers.d" in name else 0o644)


def make_directories(path: Path) -> None:
    """Like `mkdir -p`, open to all whatever this process's umask: they become part of a host's file system."""
    for missing in reversed([part for part in (path, *path.parents) if not part.exists()]):
        missing.mkdir()
        missing.chmod(0o755)


def _expanded(name: str) -> Path:
    return Path(os.path.expanduser(name))
