"""What makes another installation or another build, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.nextjs.artifact import build_fingerprint, install_key
from provisioner.nextjs.detect import App
from provisioner.nextjs.managers import Install
from provisioner.nextjs.settings import read_settings
from provisioner.values import Secret

NPM = Install("npm", "package-lock.json", ("npm", "ci"), ("npm", "run", "build"))
FILES = {
    "package-lock.json": "1",
    "package.json": "2",
    "app/page.js": "3",
    "prisma/schema.prisma": "4",
    "packages/ui/package.json": "5",
}


def key(files: dict[str, str] = FILES, node: str = "22.1.0", arch: str = "x86_64", app: App | None = None) -> str:
    return install_key(files, app or App(), NPM, node, arch)


def fingerprint(digest: str = "d", install: str = "i", **args: Any) -> str:
    return build_fingerprint(digest, install, read_settings({"name": "a", "source": "s", **args}), NPM)


@pytest.mark.parametrize(
    "changed", ["package-lock.json", "package.json", "prisma/schema.prisma", "packages/ui/package.json"]
)
def test_files_that_decide_what_is_installed_make_another_installation(changed: str) -> None:
    assert key({**FILES, changed: "other"}) != key()


def test_a_page_does_not_make_another_installation() -> None:
    assert key({**FILES, "app/page.js": "other"}) == key()


def test_node_architecture_and_sharp_make_another_installation() -> None:
    assert len({key(), key(node="24.0.0"), key(arch="aarch64"), key(app=App(sharp="0.33.5"))}) == 4


def test_source_installation_and_public_variables_make_another_build() -> None:
    assert len({fingerprint(), fingerprint("e"), fingerprint(install="j"), fingerprint(env={"NEXT_PUBLIC_A": "1"}),
                fingerprint(build_env={"A": "1"})}) == 5  # fmt: skip


def test_variables_of_the_running_app_do_not_make_another_build() -> None:
    assert fingerprint(env={"A": "1"}, secrets={"B": "2"}, port=4000, keep=2, domain="x.com") == fingerprint()


def test_a_secret_of_the_build_leaves_no_trace_of_its_value() -> None:
    assert fingerprint(build_env={"T": Secret("one")}) == fingerprint(build_env={"T": Secret("two")}) != fingerprint()
