"""The program that ends an interrupted release on a host that boots: `provisioner.remote` as one file."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib import resources

from provisioner.actions.base import content_of
from provisioner.messages import Content

_MAIN = "import sys\nfrom provisioner.remote.nextjs.recovery import main\nsys.exit(main(sys.argv))\n"
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


@cache
def recovery_program() -> Content:
    package = resources.files("provisioner.remote")
    files = {"__main__.py": _MAIN.encode(), "provisioner/__init__.py": b""}
    for folder in ("", "nextjs/"):
        for entry in (package / folder if folder else package).iterdir():
            if entry.name.endswith(".py"):
                files[f"provisioner/remote/{folder}{entry.name}"] = entry.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _WHEN), files[name], zipfile.ZIP_DEFLATED)
    return content_of(packed.getvalue())
