"""Plays through the real loader and engine against hosts made of functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.engine.commit import UnknownHandler
from provisioner.events import Warned
from provisioner.testing.play import Played, play


def step(host: str, args: dict[str, Any]) -> dict[str, Any]:
    """A module that does what its arguments say."""
    return {"changed": bool(args.get("changed")), "failed": bool(args.get("failed")), "out": args.get("out"),
            "host": host}


#: A module that provision does not have: its arguments are free, its behaviour is ours.
MODULES = {"yum": step}


def run(tmp_path: Path, tasks: str, hosts: Any = ("h1",), **more: Any) -> Played:
    text = "- hosts: all\n  gather_facts: false\n" + tasks
    return play(text, hosts=hosts, modules=MODULES, directory=tmp_path, **more)


def names(played: Played, host: str) -> list[str]:
    return [event.task.name for event in played.results(host)]


def test_many_tasks_go_out_in_one_segment(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {name: one, yum: {}}
    - {name: two, yum: {changed: true}}
    - {name: three, yum: {}}
""")
    assert played.statuses("h1") == ["ok", "changed", "ok"]
    assert played.segments == 1


def test_a_segment_ends_before_a_task_that_reads_a_pending_register(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: 5}, register: r}
    - {yum: {}}
    - {yum: {out: "{{ r.out + 1 }}"}}
""")
    assert played.history["h1"][-1] == ("yum", {"out": 6})
    assert played.segments == 2


def test_a_failure_is_rescued_and_always_runs(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - block:
        - {name: breaks, yum: {failed: true}}
        - {name: never, yum: {}}
      rescue:
        - {name: rescue, yum: {out: "{{ ansible_failed_task.name }}"}}
      always:
        - {name: always, yum: {}}
    - {name: after, yum: {}}
""")
    assert names(played, "h1") == ["breaks", "rescue", "always", "after"]
    assert played.history["h1"][1][1]["out"] == "breaks"
    assert played.counts("h1") == {"rescued": 1, "ok": 3}


def test_changed_tasks_notify_handlers_once_in_definition_order(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {name: a, yum: {changed: true}, notify: [second, first]}
    - {name: b, yum: {}, notify: third}
    - {name: c, yum: {changed: true}, notify: topic}
  handlers:
    - {name: first, yum: {out: 1}}
    - {name: second, yum: {out: 2}}
    - {name: third, yum: {out: 3}}
    - {name: fourth, yum: {out: 4}, listen: topic}
""")
    assert names(played, "h1") == ["a", "b", "c", "first", "second", "fourth"]


def test_loops_run_every_item_and_then_fail(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {name: loop, yum: {out: "{{ item }}", failed: "{{ item == 2 }}"}, loop: [1, 2, 3], when: item != 1}
    - {name: never, yum: {}}
""")
    assert [event.status for event in played.items("h1")] == ["skipped", "failed", "ok"]
    assert names(played, "h1") == ["loop"]
    assert played.finish is not None
    assert played.finish.failed == {"h1"}


def test_run_once_gives_its_result_to_every_host(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {name: once, yum: {out: 7}, run_once: true, register: r}
    - {name: all, yum: {out: "{{ r.out }}"}}
""", hosts=["h1", "h2"])
    assert played.history == {"h1": [("yum", {"out": 7}), ("yum", {"out": 7})], "h2": [("yum", {"out": 7})]}


def test_delegated_work_is_done_on_the_delegate_with_the_hosts_variables(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ inventory_hostname }}"}, delegate_to: h2, when: inventory_hostname == 'h1'}
""", hosts=["h1", "h2"])
    assert played.history == {"h2": [("yum", {"out": "h1"})]}


def test_until_retries_and_tells_the_attempts(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {name: wait, yum: {out: 1}, register: r, until: r.out == 2, retries: 2, delay: 0}
""")
    assert len(played.history["h1"]) == 3
    assert played.results("h1")[0].status == "failed"
    assert played.variables("h1")["r"]["attempts"] == 2


def test_included_files_run_on_the_hosts_that_include_them(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("- {name: inner, yum: {out: '{{ item }}'}}\n")
    played = run(tmp_path, """
  tasks:
    - {include_tasks: more.yml, loop: [1, 2], when: inventory_hostname == 'h1'}
    - {name: after, yum: {}}
""", hosts=["h1", "h2"])
    assert names(played, "h1") == ["inner", "inner", "after"]
    assert names(played, "h2")[-1] == "after"


def test_hostvars_wait_for_the_other_hosts(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ inventory_hostname }}"}, register: r}
    - {yum: {out: "{{ hostvars['h2'].r.out }}"}}
""", hosts=["h1", "h2"], shuffle=3)
    assert played.history["h1"][1] == ("yum", {"out": "h2"})


def test_ignored_errors_go_on_and_are_counted(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {failed: true}, ignore_errors: true}
    - {yum: {}}
""")
    assert played.counts("h1") == {"ok": 2, "ignored": 1}
    assert played.segments == 1


def test_facts_that_would_steer_the_connection_are_ignored_and_told(tmp_path: Path) -> None:
    facts = {"ansible_facts": {"ansible_connection": "local", "ansible_colour": "blue"}}
    played = play("""
- hosts: all
  gather_facts: true
  tasks:
    - {yum: {out: "{{ ansible_colour }} {{ ansible_connection | default('own') }}"}}
""", hosts=["h1"], modules={**MODULES, "setup": lambda host, args: facts}, directory=tmp_path)
    assert played.history["h1"][-1] == ("yum", {"out": "blue own"})
    assert [event.message for event in played.events if isinstance(event, Warned)] == [
        "the fact `ansible_connection` of this host is ignored: facts may not set variables that steer the run"]


def test_every_loop_item_draws_its_own_random_number(tmp_path: Path) -> None:
    asked: list[Any] = []

    def answer(effect: Any) -> int:
        asked.append(effect)
        return len(asked)

    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ 100 | random }}"}, loop: [a, b]}
""", answers=answer)
    assert [args["out"] for _, args in played.history["h1"]] == [1, 2]


def test_what_add_host_adds_is_there_for_the_next_task(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {}}
    - {add_host: {name: new, groups: fresh}}
    - {yum: {out: "{{ groups['fresh'] }}"}}
""", actions=Registry())
    assert played.history["h1"][-1] == ("yum", {"out": ["new"]})


ACTIONS = Registry()


def test_a_fact_set_by_one_loop_item_is_seen_by_the_next(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {set_fact: {all: "{{ (all | default([])) + [item] }}"}, loop: [1, 2, 3]}
    - {yum: {out: "{{ all }}"}}
""", actions=ACTIONS)
    assert played.history["h1"][-1] == ("yum", {"out": [1, 2, 3]})


def test_keywords_may_name_the_loop_item(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ item }}"}, delegate_to: "{{ item }}", loop: [h2, h1], run_once: true}
""", hosts=["h1", "h2"])
    assert played.history == {"h1": [("yum", {"out": "h1"})], "h2": [("yum", {"out": "h2"})]}


def test_tasks_behind_a_broken_loop_item_do_not_run(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ item.a }}"}, loop: [{a: 1}, {b: 2}]}
    - {yum: {out: never}}
""")
    assert played.history["h1"] == [("yum", {"out": 1})]


def test_tasks_behind_a_notification_of_nobody_do_not_run(tmp_path: Path) -> None:
    with pytest.raises(UnknownHandler, match="restart"):
        run(tmp_path, """
  tasks:
    - {yum: {changed: true}, notify: restart}
    - {yum: {failed: true, out: never}}
""")


def test_handler_names_are_rendered_without_a_host(tmp_path: Path) -> None:
    played = run(tmp_path, """
  vars: {app: shop}
  tasks:
    - {yum: {changed: true}, notify: "restart {{ item }}", loop: [shop]}
  handlers:
    - {name: "restart {{ app }}", yum: {out: handled}}
""")
    assert played.history["h1"][-1] == ("yum", {"out": "handled"})


def test_an_included_handler_runs_once(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("- {yum: {out: inner}}\n")
    played = run(tmp_path, """
  tasks:
    - {yum: {changed: true}, notify: more}
    - meta: flush_handlers
    - {yum: {}}
  handlers:
    - {name: more, include_tasks: more.yml}
""")
    assert [args.get("out") for _, args in played.history["h1"]] == [None, "inner", None]


def test_labels_of_items_stay_inside_where_no_log_says_so(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ item }}"}, loop: [hunter2], no_log: true}
""")
    assert "hunter2" not in repr(played.events)


def test_hostvars_show_nothing_of_the_play(tmp_path: Path) -> None:
    played = run(tmp_path, """
  vars: {own: 1}
  tasks:
    - {yum: {out: "{{ hostvars['h2'].own | default('nothing') }}"}}
""", hosts=["h1", "h2"])
    assert played.history["h1"] == [("yum", {"out": "nothing"})]


def test_playbook_dir_is_absolute(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: "{{ playbook_dir }}"}}
""")
    assert played.history["h1"] == [("yum", {"out": str(tmp_path)})]


def test_a_failure_on_the_way_through_always_to_a_rescue_counts_as_rescued(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - block:
        - block: [{yum: {failed: true}}]
          always: [{yum: {}}]
      rescue: [{yum: {}}]
""")
    assert played.counts("h1") == {"rescued": 1, "ok": 2}


def test_all_arguments_may_come_from_one_template_and_those_beside_it_win(tmp_path: Path) -> None:
    played = run(tmp_path, """
  vars: {given: {out: 1, changed: false}}
  tasks:
    - yum: "{{ given }}"
      args: {changed: true}
    - yum: {out: 2}
      args: "{{ given }}"
""")
    assert [args for _, args in played.history["h1"]] == [{"out": 1, "changed": True}, {"out": 2, "changed": False}]


def test_all_arguments_from_a_template_that_gives_a_text_fail_the_task(tmp_path: Path) -> None:
    played = run(tmp_path, """
  vars: {given: some words}
  tasks:
    - yum: "{{ given }}"
""")
    assert "they must be a mapping" in played.results("h1")[0].result["msg"]


def test_names_of_arguments_may_be_templates(tmp_path: Path) -> None:
    played = run(tmp_path, """
  vars: {service: shop}
  tasks:
    - yum: {"{{ service }}_port": 80}
""")
    assert played.history["h1"] == [("yum", {"shop_port": 80})]


def test_clearing_host_errors_in_an_always_section_lets_the_host_go_on(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - block:
        - {name: breaks, yum: {failed: true}}
      always:
        - meta: clear_host_errors
    - {name: goes on, yum: {}}
""")
    assert names(played, "h1") == ["breaks", "goes on"]


def test_an_error_in_a_condition_about_the_result_is_part_of_it(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - {yum: {out: 5}, register: r, changed_when: nowhere, ignore_errors: true}
    - {yum: {out: "{{ r.out }} {{ r.changed_when_result }}"}}
""")
    out = played.history["h1"][-1][1]["out"]
    assert out.startswith("5 ")
    assert "nowhere" in out


def test_an_extended_loop_may_do_without_all_of_its_items(tmp_path: Path) -> None:
    played = run(tmp_path, """
  tasks:
    - yum: {out: "{{ ansible_loop.allitems is defined }}"}
      loop: [1]
      loop_control: {extended: true, extended_allitems: false}
""")
    assert played.history["h1"] == [("yum", {"out": False})]
