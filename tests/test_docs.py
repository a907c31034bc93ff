"""The documentation's examples load, and its links lead somewhere.

A block marked `yaml` whose document is a list of plays is loaded as a playbook; one that is a list of tasks as the
tasks of a play. Anything else in YAML names itself: ```yaml title=inventory (loaded as one), or another title (not
looked at).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from provisioner.diag import InputError
from provisioner.inventory.load import load_inventory
from provisioner.lang.load import load_playbook
from provisioner.lang.yaml import load_data

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


class Example(NamedTuple):
    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        indent = found["indent"]
        lines = [line.removeprefix(indent) for line in found["text"].splitlines()]
        # Line numbers as in the page, so that a mistake is told where it is.
        start = text.count("\n", 0, found.start()) + 1
        yield Example(page, start, found["info"].strip(), "\n" * start + "\n".join(lines) + "\n")


def problems(example: Example, folder: Path) -> str:
    """What the loader says about the example; empty if all is well."""
    shown = example.text.replace("…", "x")
    kind = example.info.removeprefix("yaml").strip()
    file = folder / "example.yml"
    file.write_text(shown, encoding="utf-8")
    try:
        if kind == "title=inventory":
            load_inventory([str(file)])
        elif not kind:
            data = load_data(shown, str(example))
            if not isinstance(data, list):
                return "is no list of plays or tasks: give its fence a title"
            plays = {"hosts", "machines", "import_playbook"}
            if not any(isinstance(part, dict) and (plays & set(part)) for part in data):
                indented = "\n".join(f"    {line}" for line in shown.splitlines())
                file.write_text(f"- hosts: all\n  tasks:\n{indented}\n", encoding="utf-8")
            load_playbook(file)
    except InputError as error:
        return "; ".join(f"{item.span}: {item.summary}: {item.detail}" for item in error.items)
    return ""


def anchors(page: Path) -> set[str]:
    """What `#…` may name in a page: its headings, as GitHub writes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


YAML = [example for page in PAGES for example in examples(page) if example.info.split(" ")[0] == "yaml"]


@pytest.mark.parametrize("example", YAML, ids=str)
def test_an_example_loads(example: Example, tmp_path: Path) -> None:
    assert problems(example, tmp_path) == ""


def test_there_are_examples() -> None:
    assert {example.page.name for example in YAML} >= {"README.md", "nextjs.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_the_architecture_names_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.name for path in (ROOT / "provisioner").iterdir()
                if path.is_dir() and (path / "__init__.py").is_file()}
    files = {path.name for path in (ROOT / "provisioner").glob("*.py")} - {"__init__.py", "__main__.py"}
    missing = {name for name in packages if f"(../provisioner/{name})" not in text}
    assert missing | {name for name in files if f"(../provisioner/{name})" not in text} == set()


@pytest.mark.parametrize(("text", "told"), [
    ("```yaml\n- hosts: all\n  taks: []\n```\n", "taks"),
    ("```yaml\n- name: A task\n  coppy: {src: a, dest: /b}\n```\n", "coppy"),
    ("```yaml\nall: {hosts: {}}\n```\n", "title"),
    ("```yaml title=inventory\nall: {hots: {a: }}\n```\n", "hots"),
])
def test_a_wrong_example_is_found(text: str, told: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    (example,) = examples(page)
    assert told in problems(example, tmp_path)


def test_a_wrong_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n\n[x](#a-heading) [y](nowhere.md) [z](page.md#not-there) [w](https://example.com/)\n",
                    encoding="utf-8")
    assert broken_links(page) == ["nowhere.md", "page.md#not-there"]
