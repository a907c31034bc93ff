"""One lab host: where it is reached, and what a test may do to it from outside."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.diag import LabError
from provisioner.lab.machine import INSIDE, Machine, enter
from provisioner.lab.network import Network
from provisioner.lab.record import HostRecord
from provisioner.lab.rootfs import password_file


@dataclass(frozen=True, slots=True)
class LabHost:
    """A handle; it holds no state of its own, so any number of them may stand for one host."""

    record: HostRecord
    network: Network
    state_dir: Path

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def address(self) -> str:
        return self.record.address

    @property
    def directory(self) -> Path:
        return self.state_dir / "hosts" / self.name

    @property
    def root(self) -> Path:
        """The host's root file system as seen from here: its own /run, /proc and /tmp mounts are not in it."""
        return self.directory / "root"

    @property
    def key_file(self) -> Path:
        """The private key that lets root and all users in."""
        return self.state_dir / "keys" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state_dir / "known_hosts"

    @property
    def namespace(self) -> Path:
        """The host's network namespace; `nsenter --net=` on it takes the cable out with `ip link set host0 down`."""
        return self.network.namespace(self.record.number)

    @property
    def leader_pid(self) -> int | None:
        """The host's PID 1 as numbered on this machine; None while the host is off."""
        return self.machine.container.leader()

    def is_running(self) -> bool:
        return self.leader_pid is not None

    @property
    def machine(self) -> Machine:
        unit = self.network.interface(self.record.number)
        return Machine(self.directory, unit, self.name, self.namespace, self.record.options)

    def password_file(self, user: str) -> Path:
        """The file with the password of a user whose sudo asks for one."""
        return password_file(self.directory, user)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside the host, not by SSH. With `check`, an exit code other than 0 raises."""
        leader = self.leader_pid
        if leader is None:
            raise LabError(f"Lab host {self.name} is not running", hint=f"start it with `provision lab up {self.name}`")
        done = subprocess.run(
            [*enter(leader), *argv],
            input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout,
            env={**INSIDE, **(environment or {})}, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise LabError(f"Exit code {done.returncode} on {self.name} from {list(argv)}: {done.stdout}{done.stderr}")
        return done

    def ssh_command(self, user: str = "root") -> list[str]:
        """Arguments for OpenSSH's client: our key only, this host's known key only, nothing of the user's settings."""
        options = {
            "IdentityFile": self.key_file,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "LogLevel": "ERROR",
        }
        settings = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "none", *settings, f"{user}@{self.address}"]

    def start(self, lock: int | None = None) -> None:
        """Boot it (again) on the file system it has, and wait until it is up. `lock`: as `Machine.start` has it."""
        if self.machine.container.is_running():
            return
        self.machine.mount([Path(layer) for layer in self.record.layers])
        self.network.plug(self.record.number)
        self.machine.start(lock)
        self.machine.wait_until_up(self.address)

    def reboot(self) -> None:
        """Shut down in order, boot on the same file system, wait until it is up."""
        self.machine.stop()
        self.start()

    def kill(self) -> None:
        """Cut its power. `start` boots it again with what had reached its file system."""
        self.machine.container.kill()
