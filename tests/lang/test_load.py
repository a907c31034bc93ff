"""What dynamic includes load while a play runs."""

from __future__ import annotations

import pytest

from provisioner.diag import InputError
from provisioner.lang.load import load_playbook
from provisioner.lang.model import Include, Node, Play
from provisioner.lang.state import MAX_INCLUDE_DEPTH
from tests.lang.conftest import Site
from tests.lang.test_build import tasks_of

TEXT = """
    - hosts: all
      remote_user: play
      tags: play
      tasks:
        - when: outer
          vars: {b: block}
          block:
            - include_tasks: {file: x.yml, apply: {tags: [inner], become: true}}
              when: own
              tags: own
              vars: {i: include}
              delegate_to: other
              loop: [1, 2]
"""


def the_include(nodes: tuple[Node, ...]) -> Include:
    (node,) = nodes
    while not isinstance(node, Include):
        (node,) = node.body  # type: ignore[union-attr]
    return node


def include_of(play: Play) -> Include:
    return the_include(play.tasks)


def test_included_tasks_inherit_what_is_around_the_include_but_not_its_own_keywords(site: Site) -> None:
    site.write({"x.yml": "- ping:\n  when: mine\n"})
    include = include_of(site.play(TEXT))
    (task,) = tasks_of(site.loader().tasks(include, "x.yml", {"item": 1}))
    assert [condition.source for condition in task.when] == ["outer", "mine"]
    assert set(task.tags) == {"play", "inner"}
    assert (task.remote_user, task.become.enabled, task.delegate_to) == ("play", True, None)
    assert task.vars == ({"b": "block"},)
    assert task.include_vars_ == ({"i": "include"}, {"item": 1})
    assert task.file == "x.yml"


def test_includes_inside_includes_keep_the_variables_of_all(site: Site) -> None:
    site.write({"x.yml": "- include_tasks: sub/y.yml\n  vars: {j: inner}\n", "sub/y.yml": "- ping:\n"})
    loader = site.loader()
    inner = the_include(loader.tasks(include_of(site.play(TEXT)), "x.yml"))
    (task,) = tasks_of(loader.tasks(inner, "sub/y.yml"))
    assert task.include_vars_ == ({"i": "include"}, {"j": "inner"})


def test_a_file_is_looked_for_beside_the_file_that_includes_it_first(site: Site) -> None:
    site.write({"sub/x.yml": "- include_tasks: y.yml\n", "sub/y.yml": "- debug:\n", "y.yml": "- ping:\n"})
    loader = site.loader()
    inner = the_include(loader.tasks(include_of(site.play(TEXT)), "sub/x.yml"))
    (task,) = tasks_of(loader.tasks(inner, "y.yml"))
    assert task.module == "debug"


def test_an_include_in_a_role_finds_the_roles_files(site: Site) -> None:
    site.write({"roles/r/tasks/main.yml": "- include_tasks: x.yml\n", "roles/r/tasks/x.yml": "- ping:\n"})
    include = the_include(site.play("- hosts: all\n  roles: [r]\n").roles)
    (task,) = tasks_of(site.loader().tasks(include, "x.yml"))
    assert task.role is not None
    assert task.file == "roles/r/tasks/x.yml"


def test_handlers_that_are_included_are_handlers(site: Site) -> None:
    site.write({"h.yml": "- name: h\n  listen: topic\n  ping:\n"})
    play = site.play("- hosts: all\n  handlers:\n    - include_tasks: h.yml\n")
    include = the_include(play.handlers[0].handlers)
    (handler,) = tasks_of(site.loader().tasks(include, "h.yml"))
    assert handler.listen == ("topic",)


@pytest.mark.parametrize(("content", "words"), [
    (None, "looked for `x.yml`, `tasks/x.yml`"), ("- pign:\n", "did you mean `ping`"), ("a: 1\n", "a list of tasks"),
    ("- a: b: c\n", "Invalid YAML"),
])
def test_a_wrong_included_file_is_told_when_it_is_reached(content: str | None, words: str, site: Site) -> None:
    include = include_of(site.play(TEXT))
    if content is not None:
        site.write({"x.yml": content})
    with pytest.raises(InputError) as raised:
        site.loader().tasks(include, "x.yml")
    assert words in str(raised.value)


def test_y10_includes_that_never_end_are_stopped_with_their_chain(site: Site) -> None:
    site.write({"x.yml": "- include_tasks: y.yml\n", "y.yml": "- include_tasks: x.yml\n"})
    loader = site.loader()
    include = include_of(site.play(TEXT))
    for number in range(MAX_INCLUDE_DEPTH):
        include = the_include(loader.tasks(include, "xy"[number % 2] + ".yml"))
    with pytest.raises(InputError) as raised:
        loader.tasks(include, "x.yml")
    (item,) = raised.value.items
    assert item.summary == "Included too deeply"
    assert "x.yml → y.yml" in item.detail


def test_a_playbook_is_loaded_by_one_call(site: Site) -> None:
    site.write({"site.yml": "- hosts: all\n  hosts: all\n"})
    book, warnings = load_playbook("site.yml")
    assert (len(book.plays), book.file, len(warnings)) == (1, "site.yml", 1)
    with pytest.raises(InputError, match="does not exist"):
        load_playbook("nope.yml")
