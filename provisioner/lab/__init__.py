"""Throw-away systemd hosts on this machine, for trying playbooks and for the tests."""

from provisioner.lab.host import LabHost
from provisioner.lab.image import DEFAULT_RELEASE, RELEASES
from provisioner.lab.inventory import lab_inventory
from provisioner.lab.lab import Lab
from provisioner.lab.paths import default_cache_dir, default_state_dir
from provisioner.lab.record import ADMIN, DEPLOY, OPS, LabUser

__all__ = [
    "ADMIN",
    "DEFAULT_RELEASE",
    "DEPLOY",
    "OPS",
    "RELEASES",
    "Lab",
    "LabHost",
    "LabUser",
    "default_cache_dir",
    "default_state_dir",
    "lab_inventory",
]
