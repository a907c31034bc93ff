"""Roles that say what they take."""

from __future__ import annotations

import os

import pytest

from tests.lang.conftest import Site
from tests.lang.test_build import tasks_of

SPECS = """
argument_specs:
  main:
    short_description: Serves pages
    options:
      http_port: {type: int, required: true, description: "not {{ a }} template", default: "{{ nor }} this"}
      sites:
        type: list
        elements: dict
        options: {name: {type: str, required: true}}
  other: {options: {a: {}}}
"""


@pytest.mark.parametrize("file", ["argument_specs.yml", "argument_specs.yaml", "main.yml"])
def test_a_checking_task_stands_before_the_roles_own(site: Site, file: str) -> None:
    site.write({"roles/web/tasks/main.yml": "- ping:\n", f"roles/web/meta/{file}": SPECS})
    check, ping = tasks_of(site.play("- hosts: all\n  roles: [{role: web, http_port: 80, tags: w}]\n").roles)
    assert check.module == "validate_argument_spec"
    assert check.name == "Validating arguments against arg spec 'main' - Serves pages"
    assert check.tags == {"always", "w"}
    assert check.args["argument_spec"] == {
        "http_port": {"type": "int", "required": True},
        "sites": {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}}}}
    assert check.args["provided_arguments"] == {"http_port": 80}
    assert check.args["validate_args_context"]["path"] == os.path.abspath("roles/web")
    assert ping.module == "ping"


def names(site: Site, text: str) -> list[str]:
    return [task.module for task in tasks_of(site.play(text).tasks)]


def test_the_entry_point_is_the_file_of_tasks(site: Site) -> None:
    site.write({"roles/web/tasks/other.yml": "- ping:\n", "roles/web/tasks/plain.yml": "- ping:\n",
                "roles/web/meta/argument_specs.yml": SPECS})
    text = "- hosts: all\n  tasks: [{import_role: {name: web, tasks_from: %s}}]\n"
    assert names(site, text % "other.yml") == ["validate_argument_spec", "ping"]
    assert names(site, text % "plain") == ["ping"]


def test_the_check_can_be_left_out(site: Site) -> None:
    site.write({"roles/web/tasks/main.yml": "- ping:\n", "roles/web/meta/argument_specs.yml": SPECS})
    text = "- hosts: all\n  tasks: [{import_role: {name: web, rolespec_validate: false}}]\n"
    assert names(site, text) == ["ping"]
