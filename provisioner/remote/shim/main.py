"""Starts a module in its archive: arguments come on standard input, and nowhere else."""

from __future__ import annotations

import json
import runpy
import sys

from provisioner.remote.shim import basic


def main() -> None:
    """Run the archive's module as a program."""
    given = json.loads(sys.stdin.buffer.read())
    basic.ARGUMENTS.update(given["args"])
    basic.SETTINGS.update(given["settings"])
    sys.argv = [given["settings"]["name"]]
    runpy.run_module("ansible_module", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
