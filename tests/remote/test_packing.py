import ast
import subprocess
import sys

import pytest

from provisioner.remote import packing
from provisioner.transport.bundle import read_sources

TEXT = packing.bootstrap_text(read_sources()[0]["provisioner.remote.stage0"])
BASE = dict.fromkeys(packing.CORE, "")


def test_the_bootstrap_is_one_short_line_that_no_shell_looks_into() -> None:
    ast.parse(TEXT)
    assert not set(TEXT) & set("'\\\n$`!")
    assert len(TEXT) < 4000


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_bootstrap_goes_through_shells_unharmed(shell: str) -> None:
    done = subprocess.run([shell, "-c", f"printf %s '{TEXT}'"], capture_output=True, text=True, check=True)
    assert done.stdout == TEXT


def test_the_same_sources_give_the_same_checksum_and_others_another() -> None:
    packages = ["provisioner", "provisioner.remote"]
    one = packing.pack_core({**BASE, "provisioner.remote.modules.x": "a = 1"}, packages)
    again = packing.pack_core({"provisioner.remote.modules.x": "a = 1", **BASE}, reversed(packages))
    other = packing.pack_core({**BASE, "provisioner.remote.modules.x": "a = 2"}, packages)
    assert one.sha256 == again.sha256 != other.sha256


def test_a_modules_needs_come_before_it_at_all_levels() -> None:
    sources = {
        **BASE,
        "provisioner.remote.a": "from provisioner.remote import b\nfrom provisioner.remote.sdk import Ctx",
        "provisioner.remote.b": "import provisioner.remote.c",
        "provisioner.remote.c": "from provisioner.remote import a  # a circle is no harm",
        "provisioner.remote.modules.m": "from provisioner.remote.a import x\nLATER = ('provisioner.remote.late',)",
        "provisioner.remote.late": "",
        "provisioner.remote.alone": "",
        "provisioner.remote.pack": "",
        "provisioner.remote.pack.inner": "",
        "provisioner.remote.modules.n": "from provisioner.remote.pack.inner import y",
    }
    needs = packing.pack_core(sources, []).needs
    names = [name.removeprefix("provisioner.remote.") for name in needs["provisioner.remote.modules.m"]]
    assert names == ["c", "b", "a", "late", "modules.m"]
    assert needs["provisioner.remote.modules.n"] == (
        "provisioner.remote.pack", "provisioner.remote.pack.inner", "provisioner.remote.modules.n")


def test_what_is_for_the_controller_alone_is_not_shipped() -> None:
    sources, packages = read_sources()
    core = packing.pack_core(sources, packages)
    assert not set(core.modules) & {"provisioner.remote.packing", "provisioner.remote.stage0"}
    assert set(packing.CORE) <= set(sources)
    assert len(core.packed) < 80_000


def test_the_command_runs_an_isolated_python() -> None:
    assert packing.command("python3", "t", "s", "n") == ["python3", "-I", "-S", "-X", "utf8", "-c", "t", "s", "n"]
    done = subprocess.run(packing.command(sys.executable, "print(__name__)", "s", "n"), capture_output=True, check=True)
    assert done.stdout == b"__main__\n"
