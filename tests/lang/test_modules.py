"""Module names and where they lead."""

from __future__ import annotations

import pytest

from provisioner.lang.modules import LANGUAGE, canonical, known_modules, spec_of

OURS = frozenset({"copy", "npm", "sysctl", "systemd", "setup", "command", "nextjs_app"})


@pytest.mark.parametrize(("name", "short"), [
    ("copy", "copy"), ("ansible.builtin.copy", "copy"), ("ansible.legacy.copy", "copy"), ("systemd_service", "systemd"),
    ("ansible.builtin.systemd_service", "systemd"), ("community.general.npm", "npm"), ("ansible.builtin.npm", "npm"),
    ("ansible.posix.sysctl", "sysctl"), ("gather_facts", "setup"), ("docker_container", "docker_container"),
    ("community.docker.docker_container", "community.docker.docker_container"), ("ansible.builtin.dnf", "dnf"),
    ("community.general.copy", "community.general.copy"), ("nextjs_app", "nextjs_app"),
])
def test_a_name_is_known_by_its_short_form(name: str, short: str) -> None:
    assert canonical(name, OURS) == short


@pytest.mark.parametrize("name", ["copyy", "ansible.builtin.copyy", "a.b", "a.b.c.d", "a..b", "x y.z.a", "", "when"])
def test_other_names_are_unknown(name: str) -> None:
    assert canonical(name, OURS) is None


def test_modules_are_found_by_their_files() -> None:
    known = known_modules()
    assert {"meta", "include_tasks", "import_role"} <= known
    assert not {"base", "__init__"} & known


def test_every_module_file_has_a_spec_of_its_name() -> None:
    for name in known_modules() - LANGUAGE:
        spec = spec_of(name)
        assert spec is not None, name
        assert spec.name == name


def test_a_module_without_a_file_has_no_spec() -> None:
    assert spec_of("docker_container") is None
    assert spec_of("community.general.x/../y") is None
