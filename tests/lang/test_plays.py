"""Plays and playbooks."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.diag import Span
from provisioner.values import Template
from tests.lang.conftest import Site
from tests.lang.test_build import tasks_of


def test_every_keyword_of_a_play_reaches_its_field(site: Site) -> None:
    play = site.play("""
        - name: P
          hosts: [web, "!db"]
          gather_facts: no
          gather_subset: "!all,network"
          gather_timeout: 5
          vars: {a: "{{ b }}"}
          vars_files: [x.yml, [a.yml, b.yml], "{{ os }}.yml"]
          serial: [1, "30%", "2"]
          strategy: ansible.builtin.free
          order: sorted
          any_errors_fatal: true
          max_fail_percentage: 30
          force_handlers: true
          ignore_unreachable: true
          tags: [t]
          collections: [community.general]
          pre_tasks: [{ping: }]
          tasks: [{ping: }]
          post_tasks: [{ping: }]
    """)
    assert (play.name, play.hosts, play.file) == ("P", ["web", "!db"], "site.yml")
    assert (play.gather_facts, play.gather_subset, play.gather_timeout) == (False, ("!all", "network"), 5)
    assert play.vars["a"].source == "{{ b }}"
    assert play.vars_files[:2] == ("x.yml", ("a.yml", "b.yml"))
    assert isinstance(play.vars_files[2], Template)
    assert play.serial == (1, "30%", 2)
    assert (play.strategy, play.order, play.any_errors_fatal, play.max_fail_percentage) == ("free", "sorted", True, 30)
    assert (play.force_handlers, play.ignore_unreachable, set(play.tags)) == (True, True, {"t"})
    assert [len(part) for part in (play.pre_tasks, play.tasks, play.post_tasks)] == [1, 1, 1]


def test_implicit_tasks_are_made_from_the_plays_own_keywords(site: Site) -> None:
    play = site.play("- hosts: all\n  become: true\n  remote_user: me\n  tags: t\n")
    assert play.template is not None
    assert (play.template.become.enabled, play.template.remote_user, set(play.template.tags)) == (True, "me", {"t"})
    assert play.template.implicit


@pytest.mark.parametrize(("hosts", "value"), [
    ("all", "all"), ("web:&a", "web:&a"), ("[web]", "web"), ("[a, b]", ["a", "b"]), ("'10.0.0.1'", "10.0.0.1"),
])
def test_hosts_are_a_pattern_or_a_list(hosts: str, value: Any, site: Site) -> None:
    assert site.play(f"- hosts: {hosts}\n").hosts == value


def test_hosts_may_be_a_template(site: Site) -> None:
    assert site.play("- hosts: \"{{ target | default('all') }}\"\n").hosts == Template(
        "{{ target | default('all') }}", Span("site.yml", 1, 10))


def test_imported_playbooks_become_plays_with_the_imports_keywords(site: Site) -> None:
    site.write({"sub/other.yml": "- hosts: web\n  vars: {a: 1, b: 1}\n  tasks:\n    - ping:\n",
                "plays.yml": "- import_playbook: sub/other.yml\n- hosts: db\n"})
    book = site.load("""
        - hosts: first
        - import_playbook: plays.yml
          when: cond
          tags: t
          vars: {a: 2}
        - hosts: last
    """)
    assert [play.hosts for play in book.plays] == ["first", "web", "db", "last"]
    web = book.plays[1]
    assert (web.file, web.vars, set(web.tags)) == ("sub/other.yml", {"a": 2, "b": 1}, {"t"})
    (task,) = tasks_of(web.tasks)
    assert [condition.source for condition in task.when] == ["cond"]


#: A wrong playbook → (line, column, words) of each mistake.
WRONG: dict[str, list[tuple[int, int, str]]] = {
    "": [(1, 1, "Empty playbook")],
    "# only a comment\n": [(1, 1, "Empty playbook")],
    "hosts: all\n": [(1, 1, "a list of plays")],
    "just text\n": [(1, 1, "a list of plays")],
    "- just text\n": [(1, 3, "a play must be a mapping")],
    "- name: x\n": [(1, 3, "No hosts")],
    "- hosts:\n": [(1, 9, "No hosts")],
    "- hosts: []\n": [(1, 10, "No hosts")],
    "- hosts: 5\n": [(1, 10, "not the number 5")],
    "- hosts: {a: 1}\n": [(1, 10, "not a mapping")],
    "- host: all\n": [(1, 3, "did you mean `hosts`")],
    "- copy: x\n": [(1, 3, "put it under `tasks:`")],
    "- hosts: all\n  tasks: {}\n": [(2, 10, "a list of tasks")],
    "- hosts: all\n  when: x\n": [(2, 3, "it belongs on: block, handler, import_playbook, role, task")],
    "- hosts: all\n  strategy: liner\n": [(2, 13, "did you mean `linear`")],
    "- hosts: all\n  order: random\n": [(2, 10, "one of: inventory")],
    "- hosts: all\n  serial: some\n": [(2, 11, "a number of hosts or a percentage")],
    "- hosts: all\n  vars_files: {a: 1}\n": [(2, 15, "a list of file names")],
    "- hosts: all\n  vars_prompt: [{nam: x}]\n": [(2, 17, "add `name:`"), (2, 18, "did you mean `name`?")],
    "- hosts: all\n  gather_facts: maybe\n": [(2, 17, "true or false")],
    "- machines: {}\n  site: x\n": [(1, 13, "a list of machines")],
    "- machines: []\n": [(1, 3, "No site")],
    "- hosts: all\n- machines: []\n  site: x\n": [(2, 3, "put this play first")],
    "- machines: []\n  site: x\n  taks: []\n": [(3, 3, "tasks go into a play of their own")],
    "- import_playbook: nope.yml\n": [(1, 20, "looked for `nope.yml`")],
    "- import_playbook: site.yml\n": [(1, 20, "site.yml → site.yml")],
    "- import_playbook:\n": [(1, 19, "the name of a file")],
    "- import_playbook: [x]\n": [(1, 20, "the name of a file")],
    "- import_playbook: '{{ x }}.yml'\n": [(1, 20, "Not known at load")],
    "- import_playbook: x.yml\n  hosts: all\n": [(1, 20, "not found"), (2, 3, "not a valid attribute for an Import")],
    "- hosts: all\n- tsks: []\n  hosts: all\n- hosts: all\n  tasks:\n  - pign:\n":
        [(2, 3, "did you mean `tasks`"), (6, 5, "did you mean `ping`")],
    "- hosts: all\n\ttasks: []\n": [(2, 1, "Tab")],
}


@pytest.mark.parametrize("text", WRONG)
def test_y7_y18_each_mistake_of_a_playbook_is_told_where_it_is(text: str, site: Site) -> None:
    found = site.mistakes(text)
    assert [(item.span.line, item.span.column) for item in found if item.span] == [entry[:2] for entry in WRONG[text]]
    for item, (_, _, words) in zip(found, WRONG[text], strict=True):
        assert words in str(item)


def test_a_duplicate_key_is_a_warning_with_both_places(site: Site) -> None:
    (warning,) = site.warnings("- hosts: all\n  name: a\n  name: b\n")
    assert (str(warning.span), [str(span) for _, span in warning.related]) == ("site.yml:3:3", ["site.yml:2:3"])


def test_hundreds_of_tasks_are_all_there(site: Site) -> None:
    text = "- hosts: all\n  tasks:\n" + "".join(
        f"    - name: t{number}\n      command: echo {{{{ a }}}}\n      when: x\n" for number in range(500))
    assert len(site.play(text).tasks) == 500
