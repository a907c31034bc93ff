"""Rules of the language that roles rely on and that are easily got wrong, each played out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.registry import Registry
from provisioner.engine.batch import Options, World
from provisioner.engine.engine import Engine
from provisioner.inventory.model import Inventory
from provisioner.lang.load import Loader
from provisioner.messages import Command, RunSegment
from provisioner.template.templar import Templar
from provisioner.testing.play import FakeDriver, FunctionModules, ModuleFunction, Played, play
from provisioner.values import HostName


def run(tmp_path: Path, tasks: str, hosts: Any = ("h1",)) -> Played:
    text = f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"
    return play(text, hosts=hosts, modules={"yum": lambda host, args: {"changed": False, **args}},
                directory=tmp_path, actions=Registry())


def results(played: Played, host: str = "h1") -> list[Mapping[str, Any]]:
    return [event.result for event in played.results(host)]


def test_a_skipped_task_whose_loop_is_undefined_registers_no_results(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {include_tasks: none.yml, loop: "{{ nope }}", when: false, register: included}
    - {yum: {}, loop: "{{ nope }}", when: false, register: ordinary}
""")
    for name in ("included", "ordinary"):
        registered = played.variables("h1")[name]
        assert (registered["skipped"], "results" in registered) == (True, False)


def test_ansible_delegated_vars_has_the_variables_of_who_does_the_task(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - yum: {where: "{{ ansible_delegated_vars['h2'].ansible_host }}"}
      delegate_to: h2
      when: inventory_hostname == 'h1'
    - {yum: {where: "{{ ansible_delegated_vars is defined }}"}}
""", hosts={"h1": {"ansible_host": "192.0.2.1"}, "h2": {"ansible_host": "192.0.2.2"}})
    assert [result["where"] for result in results(played)] == ["192.0.2.2", False]


def test_what_comes_with_a_change_of_the_inventory_is_there_for_the_next_task(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {add_host: {name: h1, x: new}}
    - {yum: {where: "{{ x }}"}}
""", hosts={"h1": {"x": "old"}})
    assert results(played)[1]["where"] == "new"


def test_retries_may_differ_from_item_to_item(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - yum: {}
      loop: [a, b]
      loop_control: {index_var: number}
      until: false
      retries: "{{ number + 1 }}"
      delay: 0
      register: tried
""")
    assert [result["attempts"] for result in played.variables("h1")["tried"]["results"]] == [1, 2]


def test_names_of_arguments_may_be_templates_also_in_free_text(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - set_fact: "{{ name }}_port='{{ port }} 1' plain=x"
      vars: {name: web, port: 80}
""")
    assert (played.variables("h1")["web_port"], played.variables("h1")["plain"]) == ("80 1", "x")


@pytest.mark.parametrize(("name", "message"), [
    ("{{ 'true'}}-x", "Invalid variable name 'true-x'"), ("{{ 1 }}", "Invalid variable name '1' of type 'int'"),
])
def test_an_invalid_variable_name_from_a_template_fails_the_task(tmp_path: Path, name: str, message: str) -> None:
    (result,) = results(run(tmp_path, f"    - set_fact: {{\"{name}\": x}}\n"))
    assert message in result["msg"]


def test_braces_inside_a_condition_fail_the_task_that_comes_to_it_and_no_other(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {name: never reached, yum: {}, when: [false, "'a' in {{ words }}"]}
    - {name: reached, yum: {}, when: "'a' in {{ words }}", ignore_errors: true}
    - {name: after, yum: {}}
""")
    assert [event.status for event in played.results("h1")] == ["skipped", "failed", "ok"]


def test_failed_when_has_the_last_word_also_when_retries_run_out(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {yum: {}, register: r, until: false, retries: 2, delay: 0, failed_when: r.attempts > 6}
    - {yum: {}, until: false, retries: 2, delay: 0}
""")
    assert [event.status for event in played.results("h1")] == ["ok", "failed"]


def test_an_environment_made_of_ansible_env_is_left_out_while_facts_are_gathered(tmp_path: Path) -> None:
    modules: Mapping[str, Any] = {
        "setup": lambda host, args: {"ansible_facts": {"env": {"PATH": "/bin"}}}, "yum": lambda host, args: {}}
    played = play("""
- hosts: all
  environment: {PATH: "{{ ansible_env.PATH }}:/more", OTHER: x}
  tasks:
    - {yum: {}}
""", hosts=["h1"], modules=modules, directory=tmp_path)
    assert [event.status for event in played.results("h1")] == ["ok", "ok"]


def test_refresh_inventory_reads_it_once_and_the_next_play_has_its_hosts(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(effect: Any) -> Inventory:
        asked.append(effect.kind)
        found = Inventory()
        found.add_host(HostName("h3"), [], {})
        return found

    text = """
- {hosts: all, gather_facts: false, tasks: [{meta: refresh_inventory}, {yum: {}}]}
- {hosts: h3, gather_facts: false, tasks: [{yum: {}}]}
"""
    played = play(text, hosts=["h1", "h2"], modules={"yum": lambda host, args: {}}, directory=tmp_path, answers=answer)
    assert asked == ["refresh_inventory"]
    assert sorted(played.history) == ["h1", "h2", "h3"]


@pytest.mark.parametrize("called", ["topic", "web : topic", "named", "web : named", "ns.col.web : named"])
def test_a_handler_of_a_role_is_notified_with_and_without_the_roles_name(tmp_path: Path, called: str) -> None:
    role = tmp_path / "collections/ansible_collections/ns/col/roles/web"
    for part, text in (("tasks", "[]"), ("handlers", "- {name: named, yum: {}, listen: topic}")):
        (role / part).mkdir(parents=True)
        (role / part / "main.yml").write_text(text)
    text = f"""
- hosts: all
  gather_facts: false
  roles: [ns.col.web]
  tasks:
    - {{yum: {{}}, notify: "{called}", changed_when: true}}
"""
    played = play(text, hosts=["h1"], modules={"yum": lambda host, args: {}}, directory=tmp_path)
    assert len(played.history["h1"]) == 2


def test_names_of_roles_tell_those_of_the_play_from_their_dependencies(tmp_path: Path) -> None:
    for name, part, text in (("web", "meta", "dependencies: [base]"), ("web", "tasks", "[]"), ("base", "tasks", "[]")):
        (tmp_path / "roles" / name / part).mkdir(parents=True)
        (tmp_path / "roles" / name / part / "main.yml").write_text(text)
    names = ["role_names", "ansible_play_role_names", "ansible_dependent_role_names", "ansible_role_names"]
    tasks = "".join(f"    - {{yum: {{out: '{{{{ {name} }}}}'}}}}\n" for name in names)
    text = f"- hosts: all\n  gather_facts: false\n  roles: [web]\n  tasks:\n{tasks}"
    played = play(text, hosts=["h1"], modules={"yum": lambda host, args: args}, directory=tmp_path)
    assert [result["out"] for result in results(played)] == [["web"], ["web"], ["base"], ["base", "web"]]


def test_omit_leaves_a_keyword_of_a_play_as_if_it_was_not_written(tmp_path: Path) -> None:
    text = """
- hosts: all
  gather_facts: false
  serial: "{{ size | default(omit) }}"
  order: "{{ order | default(omit) }}"
  tasks: [{yum: {out: "{{ ansible_play_batch }}"}}]
"""
    played = play(text, hosts=["b", "a"], modules={"yum": lambda host, args: args}, directory=tmp_path)
    assert results(played, "a")[0]["out"] == ["b", "a"]


def test_tasks_on_this_machine_run_in_the_directory_of_the_playbook(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(
        "- {hosts: all, gather_facts: false, tasks: [{command: pwd}, {command: pwd, delegate_to: h2}]}\n")
    loader, inventory = Loader(), Inventory()
    for name, connection in (("h1", "local"), ("h2", "ssh")):
        inventory.add_host(HostName(name), [], {"ansible_connection": connection})
    playbook, _ = loader.playbook(str(tmp_path / "site.yml"))
    engine = Engine([playbook], World(inventory, Options(limit="h1")), Templar(), Registry())
    sent: list[str] = []

    class Driver(FakeDriver):
        def _take(self, commands: Sequence[Command]) -> None:
            sent.extend(call.folder for command in commands if isinstance(command, RunSegment)
                        for call in command.segment.calls)
            super()._take(commands)

    Driver(engine, {"command": lambda host, args: {}}, loader).run()
    assert sent == [str(tmp_path), ""]


def test_omit_leaves_become_and_connection_as_they_are_by_default(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {yum: {}, become: "{{ nobody | default(omit) }}", become_user: "{{ omit }}", remote_user: "{{ omit }}"}
""")
    assert [event.status for event in played.results("h1")] == ["ok"]


def test_a_keyword_that_is_undefined_does_no_harm_to_a_task_that_is_skipped(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {yum: {}, become: true, become_user: "{{ nobody.name }}", when: false}
    - {yum: {}, become: true, become_user: "{{ nobody.name }}", when: item > 1, loop: [1, 2]}
""")
    assert [event.status for event in played.results("h1")] == ["skipped", "failed"]


def test_a_keyword_that_comes_out_as_omit_is_what_the_levels_around_say(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - block:
        - {fail: , ignore_errors: "{{ nobody | default(omit) }}"}
        - {fail: , ignore_errors: "{{ omit }}", when: true}
        - block: [{fail: , ignore_errors: "{{ omit }}"}]
          ignore_errors: "{{ nobody | default(omit) }}"
      ignore_errors: "{{ yes_it_does }}"
      vars: {yes_it_does: true}
    - {fail: , ignore_errors: "{{ omit }}"}
""")
    assert [(event.status, event.ignored) for event in played.results("h1")] == [("failed", True)] * 3 + [
        ("failed", False)]


def test_facts_of_a_module_are_variables_by_their_names_and_those_of_setup_only_with_the_prefix(tmp_path: Path) -> None:
    def gives(host: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ansible_facts": {"color": "red", "ansible_size": 3, "groups": "no"}}

    (tmp_path / "site.yml").write_text("""
- hosts: all
  gather_facts: false
  tasks:
    - setup:
    - debug: {msg: "{{ color | default('none') }} {{ ansible_color }} {{ ansible_size }}"}
    - getent: {database: passwd}
    - debug: {msg: "{{ color }} {{ ansible_facts.color }} {{ groups.all }}"}
""")
    loader, inventory = Loader(), Inventory()
    inventory.add_host(HostName("h1"), [], {})
    playbook, _ = loader.playbook(str(tmp_path / "site.yml"))
    modules: Mapping[str, ModuleFunction] = {"setup": gives, "getent": gives}
    engine = Engine([playbook], World(inventory, Options()), Templar(), FunctionModules(modules, Registry()))
    played = FakeDriver(engine, modules, loader).run()
    told = [event.result["msg"] for event in played.results("h1") if event.task.module == "debug"]
    assert told == ["none red 3", "red red ['h1']"]


def test_a_localhost_that_no_inventory_names_has_the_variables_of_all_hosts(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text("""
- hosts: localhost
  gather_facts: false
  tasks: [{yum: {x: "{{ x }} {{ ansible_connection }} {{ group_names }} {{ ansible_python_interpreter is defined }}"}}]
""")
    loader, inventory = Loader(), Inventory()
    inventory.add_host(HostName("h1"), [], {})
    inventory.group_table["all"].vars["x"] = "of all"
    playbook, _ = loader.playbook(str(tmp_path / "site.yml"))
    modules: Mapping[str, ModuleFunction] = {"yum": lambda host, args: args}
    engine = Engine([playbook], World(inventory, Options()), Templar(), FunctionModules(modules))
    played = FakeDriver(engine, modules, loader).run()
    assert played.results("localhost")[0].result["x"] == "of all local [] True"


def test_a_skipped_task_tells_the_condition_as_it_was_written(tmp_path: Path) -> None:
    played = run(tmp_path, """
    - {yum: {}, when: false}
    - {yum: {}, when: [true, "1 == 2"]}
""")
    assert [result["false_condition"] for result in results(played)] == [False, "1 == 2"]
