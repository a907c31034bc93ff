# ruff: noqa: T201
"""The programs that are compared: how each is installed, told about hosts, and called, set up as an expert would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.lab import LabHost

ROOT = Path(__file__).parents[1]
ANSIBLE, MITOGEN, PYINFRA = "ansible-core==2.19.14", "mitogen==0.3.54", "pyinfra==3.10.0"
PYYAML = "pyyaml==6.0.2"  # for site/deploy.py, which reads site.yml
NAMES = ("provision", "ansible", "mitogen", "pyinfra")

CONFIGURATION = """\
[defaults]
forks = 50
gathering = smart
interpreter_python = /usr/bin/python3
retry_files_enabled = False
display_skipped_hosts = False
timeout = 180
home = {folder}/home
{strategy}
[ssh_connection]
pipelining = True
ssh_args = -F none -C -o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=yes \
-o UserKnownHostsFile={known_hosts} -o GSSAPIAuthentication=no -o IdentitiesOnly=yes -o LogLevel=ERROR
control_path_dir = {folder}/cp
"""


@dataclass(frozen=True, slots=True)
class Way:
    """To hosts: directly, or each by a proxy on this machine. `addresses` are in the order of `hosts`."""

    hosts: Sequence[LabHost]
    addresses: Sequence[tuple[str, int]]
    user: str


@dataclass(frozen=True, slots=True)
class Call:
    argv: list[str]
    directory: Path
    environment: dict[str, str]


def call(name: str, folder: Path, way: Way, playbook: Path, command: str = "apply") -> Call:
    """What runs `playbook` by the program `name`. folder: of this program alone, kept from run to run. command: of
    provision."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("PYTHONDONTWRITEBYTECODE", "ANSIBLE_CONFIG")}
    environment["LC_ALL"] = "C.UTF-8"
    hosts = _inventory(folder, way)
    if name == "provision":
        argv = [sys.executable, "-m", "provisioner", command, "-f", "50", "-i", str(hosts),
                "--state-dir", str(folder / "state"), str(playbook)]
        return Call(argv, ROOT, environment | {"PYTHONPATH": str(ROOT)})
    if name == "pyinfra":
        argv = [str(installed(PYINFRA, PYYAML) / "pyinfra"), "-y", "--parallel", "50",
                str(_pyinfra_hosts(folder, way)), "deploy.py"]
        return Call(argv, playbook.parent, environment)
    packages = [ANSIBLE, MITOGEN] if name == "mitogen" else [ANSIBLE]
    programs = installed(*packages)
    strategy = ""
    if name == "mitogen":
        plugins = next(programs.parent.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy"))
        strategy = f"strategy_plugins = {plugins}\nstrategy = mitogen_linear"
    configuration = folder / "ansible.cfg"
    configuration.write_text(CONFIGURATION.format(
        folder=folder, strategy=strategy, known_hosts=way.hosts[0].known_hosts))
    argv = [str(programs / "ansible-playbook"), "-i", str(hosts), str(playbook)]
    return Call(argv, ROOT, environment | {"ANSIBLE_CONFIG": str(configuration)})


def _inventory(folder: Path, way: Way) -> Path:
    """One inventory that provision and Ansible read alike."""
    lines = []
    for host, (address, port) in zip(way.hosts, way.addresses, strict=True):
        words = [host.name, f"ansible_host={address}", f"ansible_port={port}", f"ansible_user={way.user}",
                 f"ansible_ssh_private_key_file={host.key_file}", f"ansible_ssh_known_hosts_file={host.known_hosts}",
                 "ansible_python_interpreter=/usr/bin/python3"]
        if address != host.address:
            words += [f"ansible_ssh_host_key_alias={host.address}",
                      f"ansible_ssh_common_args='-o HostKeyAlias={host.address}'"]
        lines.append(" ".join(words))
    path = folder / "inventory.ini"
    path.write_text("\n".join([*lines, ""]))
    return path


def _pyinfra_hosts(folder: Path, way: Way) -> Path:
    def entry(host: LabHost, address: str, port: int) -> tuple[str, dict[str, object]]:
        return host.name, {
            "ssh_hostname": address, "ssh_port": port, "ssh_user": way.user, "ssh_key": str(host.key_file),
            # behind a proxy the host has another name than in the list of known keys
            "ssh_strict_host_key_checking": "yes" if address == host.address else "no",
            "ssh_known_hosts_file": str(host.known_hosts)}

    path = folder / "hosts.py"
    path.write_text(f"all_hosts = {[entry(h, *a) for h, a in zip(way.hosts, way.addresses, strict=True)]!r}\n")
    return path


def installed(*packages: str) -> Path:
    """The directory of programs of a virtual environment with exactly these packages, made when it is missing."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = (Path(base) if base.startswith("/") else Path.home() / ".cache") / "provisioner" / "benchmarks"
    venv = cache / "+".join(package.replace("==", "-") for package in packages)
    if not (venv / "complete").exists():
        print(f"installing {' '.join(packages)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        subprocess.run([str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages],
                       check=True)
        (venv / "complete").touch()
    return venv / "bin"
