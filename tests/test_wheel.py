"""What the wheel holds: all that a run needs beside its dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
TREES = ("provisioner", "templates")
FILES = ("pyproject.toml", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools writes into the directory that it builds from."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    subprocess.run(["cp", "-a", *TREES, *FILES, source], cwd=ROOT, check=True)
    built = subprocess.run([*PIP, "--wheel-dir", target, "."], cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (found,) = target.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_every_python_file(names: set[str]) -> None:
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "provisioner").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources
    assert any(name.startswith("provisioner/remote/modules/") for name in names)


def test_it_holds_the_templates_where_the_program_looks_for_them(names: set[str]) -> None:
    templates = {f"provisioner/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*") if path.is_file()}
    assert templates
    assert templates <= names


def test_it_says_that_it_is_typed_and_under_which_licence(names: set[str]) -> None:
    assert "provisioner/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_it_holds_nothing_else(names: set[str]) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"provisioner", "provision"}


def test_it_brings_the_command(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (entry_points,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        assert "provision = provisioner.cli.main:main" in archive.read(entry_points).decode()


def test_the_command_and_its_templates_work_out_of_it(wheel: Path, tmp_path: Path) -> None:
    """Unpacked, as pip does it, and with the checkout out of sight."""
    ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import sys; sys.path[:0] = [sys.argv[1]]; import provisioner; from importlib import resources\n"
        "assert provisioner.__file__.startswith(sys.argv[1]), provisioner.__file__\n"
        "assert resources.files('provisioner').joinpath('templates', 'nextjs', 'app.service.j2').is_file()\n"
        "from provisioner.cli.main import main; sys.exit(main(['--version']))"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "site"], cwd=tmp_path, check=False,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[0]) == (0, "provision"), done.stderr
