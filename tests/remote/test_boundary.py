"""What runs on hosts: the standard library and itself only, in the language of the oldest Python we serve."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import provisioner.remote
from provisioner.remote import packing
from provisioner.transport.bundle import read_sources

ROOT = Path(provisioner.remote.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
OLDEST = (3, 9)
# What the standard library got after 3.9, and what left it before 3.14.
TOO_NEW = {"tomllib", "annotationlib", "compression", "concurrent.interpreters"}
GONE = {"crypt", "spwd", "cgi", "imp", "distutils", "asyncore", "asynchat", "smtpd", "telnetlib", "pipes", "nis"}
OTHER_PYTHONS = [
    path for version in ("3.9", "3.10", "3.12", "3.13", "3.14")
    for path in sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python3"))[:1]
]


def imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not read by the packer"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_shipped_file_is_python_3_9_and_imports_only_the_library_and_its_own(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=OLDEST)
    for name in imported(tree):
        top = name.split(".")[0]
        assert name.startswith("provisioner.remote") or top in sys.stdlib_module_names, name
        assert name not in TOO_NEW, f"{name} is newer than Python 3.9"
        assert top not in GONE, f"{name} is not in every Python we serve"
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_annotations_are_never_evaluated(file: Path) -> None:
    """`X | None` in one would fail on 3.9 when it is."""
    tree = ast.parse(file.read_text())
    annotated = any(isinstance(node, (ast.AnnAssign, ast.FunctionDef)) for node in ast.walk(tree))
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    assert future or not annotated


@pytest.mark.parametrize("python", [Path(sys.executable), *OTHER_PYTHONS], ids=lambda path: path.parts[-3])
def test_everything_that_is_shipped_can_be_imported_on_the_pythons_at_hand(python: Path, tmp_path: Path) -> None:
    """As on a host: isolated, without site packages, and without the rest of this program."""
    sources, packages = read_sources()
    for name, source in sources.items():
        file = tmp_path.joinpath(*name.split("."))
        file = file / "__init__.py" if name in packages else file.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    names = sorted(name for name in sources if name not in packing.NOT_SHIPPED)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfor name in {names!r}: __import__(name)"
    subprocess.run([python, "-I", "-S", "-W", "error", "-c", program], check=True, timeout=60)


def test_the_core_needs_nothing_that_is_heavy_before_it_is_used() -> None:
    """Each of these costs a session 5 to 25 ms of the host's processor; see the comments where they are imported."""
    program = (
        "import sys; from provisioner.remote import runner; "
        "print(*sorted({'subprocess', 'dataclasses', 'inspect', 'difflib', 'traceback', 'tempfile', 'shutil', "
        "'logging', 'socket', 'datetime', 'pathlib', 'threading'} & set(sys.modules)))"
    )
    path = str(ROOT.parents[1])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {path!r}); {program}"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
