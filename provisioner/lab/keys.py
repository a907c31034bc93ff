"""The lab's SSH keys: made on this side before a host boots, so that no key is ever trusted on first use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from provisioner.lab.command import run

HOST_KEY_TYPES = ("ed25519", "ecdsa")


def client_key(directory: Path) -> Path:
    """The lab's own key pair; its public half is let in on every host. Made on first use."""
    key = directory / "id_ed25519"
    if not key.with_suffix(".pub").exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        key.unlink(missing_ok=True)  # a killed run may have left one half
        _generate(key, "ed25519", "provision-lab")
    return key


def write_host_keys(root: Path, name: str) -> list[str]:
    """Give the root filesystem fresh host keys; returns their public halves as "TYPE BASE64" lines."""
    directory = root / "etc/ssh"
    for stale in directory.glob("ssh_host_*"):
        stale.unlink()
    public: list[str] = []
    for kind in HOST_KEY_TYPES:
        key = directory / f"ssh_host_{kind}_key"
        _generate(key, kind, f"root@{name}")
        public.append(" ".join(key.with_suffix(".pub").read_text().split()[:2]))
    return public


def known_hosts(hosts: Iterable[tuple[str, str, Iterable[str]]]) -> str:
    """A known_hosts file for (name, address, public keys); both name and address stand for the host."""
    return "".join(f"{name},{address} {key}\n" for name, address, keys in hosts for key in keys)


def _generate(path: Path, kind: str, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", str(path)])
