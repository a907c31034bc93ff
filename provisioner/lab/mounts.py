"""What is mounted where on this machine, and taking it away."""

from __future__ import annotations

from pathlib import Path

from provisioner.lab.command import run, succeeds

MOUNTS = Path("/proc/self/mountinfo")


def mounts_at_or_below(directory: Path) -> list[str]:
    """Mount points in the order they were mounted; a point mounted over twice is there twice."""
    points = (line.split()[4] for line in MOUNTS.read_text().splitlines())
    decoded = (point.encode("latin-1", "replace").decode("unicode_escape") for point in points)
    return [point for point in decoded if point == str(directory) or point.startswith(f"{directory}/")]


def is_mounted(directory: Path) -> bool:
    """Unlike `os.path.ismount` also right for a directory bound onto itself."""
    return str(directory) in mounts_at_or_below(directory)


def unmount_below(directory: Path) -> None:
    """Unmount `directory` and everything under it, innermost first."""
    for point in reversed(mounts_at_or_below(directory)):
        if not succeeds(["umount", point]):
            run(["umount", "--lazy", point])
