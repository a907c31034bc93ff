"""What is told before a run: templates that no variables could mend, and tags that nobody has."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from provisioner.diag import Span
from provisioner.engine.foresight import unknown_tags, unreadable
from provisioner.lang.load import Loader
from provisioner.lang.model import Playbook
from provisioner.template.templar import Templar


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def playbook(text: str) -> Playbook:
    Path("site.yml").write_text(textwrap.dedent(text))
    return Loader().playbook("site.yml")[0]


def test_templates_that_cannot_be_read_are_told_wherever_they_stand() -> None:
    Path("roles/r/defaults").mkdir(parents=True)
    Path("roles/r/defaults/main.yml").write_text("d: '{{ x | no_such_filter }}'\n")
    found = unreadable([playbook("""\
        - hosts: all
          vars:
            v: "{{ a b }}"
          roles: [r]
          tasks:
            - debug: {msg: "{{ open"}
              when: v = 3
            - block:
                - debug: {msg: "{{ fine }}"}
              rescue:
                - command: {cmd: "true"}
                  loop: "{{ [1, }}"
                  changed_when: x is no_such_test
        """)], Templar())
    places = {str(item.span): item for item in found}
    assert {item.severity for item in found} == {"warning"}
    assert sorted(places) == ["roles/r/defaults/main.yml:1:4", "site.yml:12:17", "site.yml:13:25", "site.yml:3:8",
                              "site.yml:6:20", "site.yml:7:13"]
    assert "Unknown filter `no_such_filter`" in places["roles/r/defaults/main.yml:1:4"].detail
    assert "Unknown test `no_such_test`" in places["site.yml:13:25"].detail


def test_variables_that_are_not_there_yet_are_no_mistake() -> None:
    assert not unreadable([playbook("""\
        - hosts: all
          tasks:
            - debug: msg="{{ later.a[0] | default(omit) | ansible.builtin.to_json }} {{ lookup('env', 'X') }}"
              when: later is defined and other is ansible.builtin.search('x')
        """)], Templar())


def test_a_tag_that_nobody_has_is_told_with_the_nearest() -> None:
    found = unknown_tags([playbook("""\
        - hosts: all
          tags: play
          tasks:
            - block:
                - debug:
                  tags: [deploy]
        """)], ["deplyo", "play", "all", "never", "deploy"])
    assert [(item.detail, item.hint) for item in found] == [
        ("no task has the tag `deplyo`", "did you mean `deploy`?")]


def test_with_files_that_are_included_later_no_tag_is_unknown() -> None:
    assert not unknown_tags([playbook("""\
        - hosts: all
          tasks:
            - include_tasks: later.yml
        """)], ["x"])


def test_a_place_is_that_of_the_value() -> None:
    (found,) = unreadable([playbook('- hosts: all\n  vars:\n    a: "{{ x"\n')], Templar())
    assert found.span == Span("site.yml", 3, 8)
