"""Tasks, blocks, handlers and imports become the typed tree, with everything they inherit."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.diag import Span
from provisioner.lang.model import Become, Block, Include, Node, Play, Task
from provisioner.values import Condition, Template
from tests.lang.conftest import Site


def tasks_of(nodes: tuple[Node, ...]) -> list[Task]:
    """All tasks below, in order."""
    found: list[Task] = []
    for node in nodes:
        if isinstance(node, Block):
            found += tasks_of(node.body + node.rescue + node.always)
        else:
            found.append(node.task if isinstance(node, Include) else node)
    return found


def the_task(play: Play) -> Task:
    (task,) = tasks_of(play.tasks)
    return task


def task(site: Site, text: str) -> Task:
    return the_task(site.play("- hosts: all\n  tasks:\n" + "".join(f"    {line}\n" for line in text.splitlines())))


#: A task as written → module and arguments.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "- assemble: {src: a, dest: /b}": ("assemble", {"src": "a", "dest": "/b"}),
    "- assemble: src=a dest='/b c'": ("assemble", {"src": "a", "dest": "/b c"}),
    "- ansible.builtin.assemble: {src: a, dest: /b}": ("assemble", {"src": "a", "dest": "/b"}),
    "- ansible.legacy.assemble: src=a dest=/b": ("assemble", {"src": "a", "dest": "/b"}),
    "- action: assemble src=a dest=/b": ("assemble", {"src": "a", "dest": "/b"}),
    "- action: {module: assemble, src: a, dest: /b}": ("assemble", {"src": "a", "dest": "/b"}),
    "- action: {module: assemble, args: {src: a}, dest: /b}": ("assemble", {"src": "a", "dest": "/b"}),
    "- ping:": ("ping", {}),
    "- command: make install chdir=/src": ("command", {"_raw_params": "make install", "chdir": "/src"}),
    "- command: {cmd: make, chdir: /src}": ("command", {"cmd": "make", "chdir": "/src"}),
    "- command: make\n  args: {chdir: /src, creates: /x}":
        ("command", {"_raw_params": "make", "chdir": "/src", "creates": "/x"}),
    "- assemble: {src: a, dest: /b}\n  args: {src: b, mode: '0600'}":
        ("assemble", {"src": "a", "dest": "/b", "mode": "0600"}),
    "- shell: |\n    a | b\n    c\n": ("shell", {"_raw_params": "a | b\nc\n"}),
    "- raw: uname -a": ("raw", {"_raw_params": "uname -a"}),
    "- community.docker.docker_container: {name: x}": ("community.docker.docker_container", {"name": "x"}),
    "- yum: {name: x}": ("yum", {"name": "x"}),
    "- meta: flush_handlers": ("meta", {"_raw_params": "flush_handlers"}),
    "- include_tasks: x.yml": ("include_tasks", {"_raw_params": "x.yml"}),
    "- include_tasks: {file: x.yml}": ("include_tasks", {"_raw_params": "x.yml"}),
    "- include_role: {name: x, tasks_from: y}": ("include_role", {"name": "x", "tasks_from": "y"}),
}


@pytest.mark.parametrize("text", FORMS)
def test_a_module_and_its_arguments_may_be_written_in_many_ways(text: str, site: Site) -> None:
    made = task(site, text)
    assert (made.module, dict(made.args)) == FORMS[text]


def test_arguments_with_braces_are_templates_where_they_stand(site: Site) -> None:
    made = task(site, "- assemble: {src: '{{ a }}', dest: /b}")
    assert made.args["src"] == Template("{{ a }}", Span("site.yml", 3, 23))
    line = task(site, "- command: echo {{ a }} chdir={{ b }}/c")
    assert (line.args["_raw_params"].source, line.args["chdir"].source) == ("echo {{ a }}", "{{ b }}/c")


def test_local_action_runs_on_the_controller(site: Site) -> None:
    made = task(site, "- local_action: command echo hi")
    assert (made.module, made.delegate_to, made.connection) == ("command", "localhost", "local")


def test_every_keyword_of_a_task_reaches_its_field(site: Site) -> None:
    made = task(site, """\
- name: N
  ping:
  register: r
  when: [a, true]
  changed_when: false
  failed_when: r.rc != 0
  until: r is succeeded
  retries: 2
  delay: "{{ d }}"
  ignore_errors: yes
  ignore_unreachable: "yes"
  notify: [h1, h2]
  tags: a, b
  become: true
  become_user: app
  become_method: su
  become_flags: -H
  become_exe: /usr/bin/sudo
  delegate_to: other
  delegate_facts: true
  run_once: true
  environment: {A: 1}
  check_mode: no
  diff: no
  no_log: true
  any_errors_fatal: true
  timeout: 5
  connection: local
  remote_user: me
  port: "22"
  vars: {v: 1}
""")
    assert made.name == "N"
    assert made.register == "r"
    assert [condition.source for condition in made.when] == ["a", "True"]
    assert made.when[1].constant is True
    assert [item.source for item in made.changed_when or ()] == ["False"]
    assert [item.source for item in made.failed_when or ()] == ["r.rc != 0"]
    assert [item.source for item in made.until or ()] == ["r is succeeded"]
    assert (made.retries, made.delay.source) == (2, "{{ d }}")
    assert (made.ignore_errors, made.ignore_unreachable, made.run_once) == (True, True, True)
    assert (made.notify, set(made.tags)) == (("h1", "h2"), {"a", "b"})
    assert made.become == Become(True, "su", "app", "-H", "/usr/bin/sudo")
    assert (made.delegate_to, made.delegate_facts, made.environment) == ("other", True, ({"A": 1},))
    assert (made.check_mode, made.diff, made.no_log, made.any_errors_fatal) == (False, False, True, True)
    assert (made.timeout, made.connection, made.remote_user, made.port) == (5, "local", "me", 22)
    assert made.vars == ({"v": 1},)


def test_what_is_not_said_is_none(site: Site) -> None:
    made = task(site, "- ping:")
    assert made.become == Become()
    assert [made.name, made.register, made.loop, made.changed_when, made.check_mode, made.delegate_to] == [None] * 6


INHERITING = """
    - hosts: all
      become: true
      remote_user: play
      tags: [play]
      environment: {A: play, B: play}
      vars: {p: 1}
      tasks:
        - become_user: block
          remote_user: block
          tags: block
          when: outer
          vars: {v: block}
          environment: {A: block}
          notify: hb
          delegate_to: there
          block:
            - block:
                - ping:
                  remote_user: task
                  when: inner
                  tags: task
                  vars: {v: task}
                  environment: {A: task}
                  notify: ht
              when: middle
          rescue:
            - debug:
          always:
            - debug:
"""


def test_a_task_carries_all_that_is_around_it(site: Site) -> None:
    play = site.play(INHERITING)
    inner, rescue, always = tasks_of(play.tasks)
    assert inner.remote_user == "task"
    assert inner.become == Become(enabled=True, user="block")
    assert [condition.source for condition in inner.when] == ["outer", "middle", "inner"]
    assert inner.tags == {"play", "block", "task"}
    assert inner.vars == ({"v": "block"}, {"v": "task"})
    assert inner.environment == ({"A": "play", "B": "play"}, {"A": "block"}, {"A": "task"})
    assert inner.notify == ("hb", "ht")
    assert (inner.delegate_to, rescue.delegate_to, always.delegate_to) == ("there",) * 3
    assert always.tags == {"play", "block"}


def test_play_vars_are_not_repeated_in_tasks(site: Site) -> None:
    assert site.play(INHERITING).vars == {"p": 1}


def test_a_block_keeps_its_shape(site: Site) -> None:
    play = site.play(INHERITING)
    (outer,) = play.tasks
    assert isinstance(outer, Block)
    assert [len(outer.body), len(outer.rescue), len(outer.always)] == [1, 1, 1]
    assert isinstance(outer.body[0], Block)


def test_an_import_is_replaced_by_its_tasks(site: Site) -> None:
    site.write({"sub/a.yml": "- ping:\n  when: own\n- import_tasks: b.yml\n", "sub/b.yml": "- debug:\n"})
    play = site.play("""
        - hosts: all
          tasks:
            - import_tasks: sub/a.yml
              when: cond
              tags: t
              become: true
              vars: {v: 1}
    """)
    first, second = tasks_of(play.tasks)
    assert [condition.source for condition in first.when] == ["cond", "own"]
    assert first.tags == {"t"}
    assert (first.become.enabled, first.vars, first.include_vars_) == (True, ({"v": 1},), ())
    assert (first.file, second.file) == ("sub/a.yml", "sub/b.yml")


def test_the_name_of_an_imported_file_may_come_from_variables_known_at_load(site: Site) -> None:
    site.write({"debian.yml": "- ping:\n"})
    text = """
        - hosts: all
          vars: {os: debian}
          tasks:
            - import_tasks: "{{ os }}.yml"
    """
    assert the_task(site.play(text)).module == "ping"
    (item,) = site.mistakes(text, extra_vars={"os": "suse"})
    assert "suse.yml" in item.detail


def test_an_include_stays_and_its_keywords_are_its_own(site: Site) -> None:
    play = site.play("""
        - hosts: all
          tags: play
          tasks:
            - include_tasks: {file: x.yml, apply: {tags: [inner], become: true}}
              when: cond
              tags: mine
              loop: [1, 2]
              vars: {v: 1}
    """)
    (include,) = play.tasks
    assert isinstance(include, Include)
    assert (include.kind, include.apply) == ("tasks", {"tags": ["inner"], "become": True})
    assert include.task.tags == {"play", "mine"}
    assert include.task.loop is not None
    assert "apply" not in include.task.args


def test_handlers_know_their_topics(site: Site) -> None:
    play = site.play("""
        - hosts: all
          handlers:
            - name: h
              listen: [web, app]
              ping:
            - include_tasks: x.yml
    """)
    (section,) = play.handlers
    handler, include = section.handlers
    assert section.role is None
    assert isinstance(handler, Task)
    assert (handler.name, handler.listen) == ("h", ("web", "app"))
    assert isinstance(include, Include)
    assert include.for_handlers


def test_module_defaults_stand_beneath_the_arguments(site: Site) -> None:
    play = site.play("""
        - hosts: all
          module_defaults: {assemble: {owner: play, group: play, mode: "0600"}, setup: {gather_subset: [min]}}
          tasks:
            - module_defaults: {ansible.builtin.assemble: {group: block}}
              block:
                - assemble: {src: a, dest: /b, mode: "0644"}
    """)
    assert the_task(play).args == {"owner": "play", "group": "block", "src": "a", "dest": "/b", "mode": "0644"}
    assert play.gather_subset == ["min"]


def test_assert_has_conditions(site: Site) -> None:
    for text in ("- assert: {that: [a, b == 1]}", "- assert:\n    that:\n      - a\n      - b == 1"):
        assert [item.source for item in task(site, text).args["that"]] == ["a", "b == 1"]
    (condition,) = task(site, "- assert: that=a").args["that"]
    assert condition.source == "a"


def test_braces_around_a_whole_condition_are_taken_away_with_a_warning(site: Site) -> None:
    text = "- hosts: all\n  tasks:\n    - ping:\n      when: '{{ a == 1 }}'\n"
    assert the_task(site.play(text)).when == (Condition("a == 1", Span("site.yml", 4, 13), braced=True),)
    (warning,) = site.warnings(text)
    assert (warning.summary, warning.hint) == ("Braces around a condition", "write `a == 1`")


#: Wrong tasks (below `tasks:`, from line 3 on) → (line, column, words of the message) for each mistake.
WRONG: dict[str, list[tuple[int, int, str]]] = {
    "- pingg:": [(3, 3, "did you mean `ping`")],
    "- ping:\n  wehn: x": [(4, 3, "did you mean `when`")],
    "- nothing_like_it: x": [(3, 3, "Unknown module")],
    "- ansible.builtin.coppy: x": [(3, 3, "did you mean `copy`")],
    "- name: x": [(3, 3, "No module")],
    "- ping:\n  debug:": [(4, 3, "Two modules")],
    "- ping:\n  action: debug": [(4, 3, "Two modules")],
    "- assemble: [a]": [(3, 13, "not a list")],
    "- ping: {data: x}\n  when: {a: 1}": [(4, 9, "`when` must be")],
    "- ping:\n  when: ''": [(4, 9, "Empty condition")],
    "- ping:\n  register: a-b": [(4, 13, "Invalid variable name")],
    "- ping:\n  become: maybe": [(4, 11, "true or false")],
    "- ping:\n  retries: many": [(4, 12, "a number")],
    "- ping:\n  async: soon": [(4, 10, "a number")],
    "- ping:\n  debugger: always": [(4, 3, "look at results with -vvv")],
    "- ping:\n  vars: [x]": [(4, 10, "a mapping of variables")],
    "- ping:\n  vars: {a-b: 1}": [(4, 10, "Invalid variable name")],
    "- ping:\n  loop: x": [(4, 9, "a list")],
    "- ping:\n  loop: [1]\n  with_items: [2]": [(5, 3, "Two loops")],
    "- ping:\n  loop: [1]\n  loop_control: {lable: x}": [(5, 18, "did you mean `label`")],
    "- ping:\n  hosts: x": [(4, 3, "it belongs on: play")],
    "- ping:\n  tags: [{a: 1}]": [(4, 10, "a tag")],
    "- ping:\n  tags: '{{ nope }}'": [(4, 9, "Not known at load")],
    "- ping:\n  environment: [x]": [(4, 17, "a mapping")],
    "- meta: flush_handler": [(3, 9, "did you mean `flush_handlers`")],
    "- meta:": [(3, 3, "needs an action")],
    "- just text": [(3, 3, "must be a mapping")],
    "- - a": [(3, 3, "must be a mapping")],
    "- block: {}": [(3, 10, "a list of tasks")],
    "- block: []\n  loop: [1]": [(4, 3, "Loop on a block")],
    "- block: []\n  ping:": [(4, 3, "Module on a block")],
    "- block: []\n  resceu: []": [(4, 3, "did you mean `rescue`")],
    "- rescue: []": [(3, 3, "No `block`")],
    "- import_tasks: nope.yml": [(3, 17, "`tasks/nope.yml`")],
    "- import_tasks:": [(3, 3, "No file")],
    "- import_tasks: x.yml\n  loop: [1]": [(3, 17, "not found"), (4, 3, "use include_tasks")],
    "- import_tasks: x.yml\n  register: r": [(3, 17, "not found"), (4, 3, "Keyword on an import")],
    "- import_tasks: '{{ a }}.yml'": [(3, 17, "`a` is not defined")],
    "- include_tasks:": [(3, 3, "No file")],
    "- import_tasks: {file: x, apply: {become: true}}": [(3, 24, "not found"), (3, 34, "use include_tasks")],
    "- include_tasks: {file: x, wehn: y}": [(3, 34, "it takes: file, apply")],
    "- include_tasks: {file: x, apply: {wehn: y}}": [(3, 36, "did you mean `when`")],
    "- include_role: {nme: x}": [(3, 23, "did you mean `name`")],
    "- import_role:": [(3, 3, "needs `name`")],
    "- set_fact: {_ansible_foo: bar}": [(3, 28, "is reserved for internal use only.")],
    "- debug: some words": [(3, 10, "not `name=value`"), (3, 10, "not `name=value`")],
    "- debug: msg='x": [(3, 10, "never closed")],
    "- action: nope x=1": [(3, 11, "Unknown module")],
    "- action: [x]": [(3, 11, "not a list")],
    "- ping:\n  module_defaults: {coppy: {}}": [(4, 21, "did you mean `copy`")],
    "- lineinfile: {path: /x, line: a, mode: 644}": [(3, 41, '"0644"')],
    "- group: {name: a, stat: absent}": [(3, 26, "did you mean `state`")],
    "- group: {name: a, state: gone}": [(3, 27, "not one of")],
    "- group: {state: absent}": [(3, 3, "missing required arguments: name")],
    "- pign:\n- debgu:\n- ping:\n  wehn: x": [(3, 3, "ping"), (4, 3, "debug"), (6, 3, "when")],
}


@pytest.mark.parametrize("text", WRONG)
def test_y7_y8_each_mistake_is_told_where_it_is(text: str, site: Site) -> None:
    found = site.mistakes("- hosts: all\n  tasks:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    expected = [(line, column + 2, words) for line, column, words in WRONG[text]]
    assert [(item.span.line, item.span.column) for item in found if item.span] == [place[:2] for place in expected]
    for item, (_, _, words) in zip(found, expected, strict=True):
        assert words in str(item)


def test_a_handler_cannot_be_a_block(site: Site) -> None:
    (item,) = site.mistakes("- hosts: all\n  handlers:\n    - block: []\n      rescue: []\n")
    assert item.summary == "Block in handlers"


def test_a_block_of_handlers_is_its_handlers(site: Site) -> None:
    text = "- hosts: all\n  handlers:\n    - when: x\n      block:\n        - name: h\n          ping:\n"
    (handler,) = site.play(text).handlers[0].handlers
    assert isinstance(handler, Task)
    assert [condition.source for condition in handler.when] == ["x"]


@pytest.mark.parametrize("text", [
    "- group: {name: x, stat: y}\n  ignore_errors: true", "- group: {name: x, stat: y}\n  failed_when: false",
    "- block:\n    - group: {name: x, stat: y}\n  rescue: [{debug: }]",
])
def test_a_wrong_argument_is_a_warning_where_failing_is_expected(text: str, site: Site) -> None:
    playbook = "- hosts: all\n  tasks:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    (warning,) = site.warnings(playbook)
    assert (warning.summary, warning.severity) == ("Wrong argument", "warning")


def test_braces_in_the_texts_of_a_condition_are_joined_with_a_warning(site: Site) -> None:
    text = "- hosts: all\n  tasks:\n    - ping:\n      when: \"'{{ d }}/x' in p\"\n"
    (condition,) = the_task(site.play(text)).when
    assert condition.source == "((d) ~ '/x' ~ '') in p"
    (warning,) = site.warnings(text)
    assert warning.summary == "Braces in a condition"


def test_the_name_of_a_loop_variable_may_be_a_template(site: Site) -> None:
    made = task(site, "- ping:\n  loop: [1]\n  loop_control: {loop_var: '{{ v }}', index_var: i, label: '{{ x }}'}")
    assert made.loop is not None
    assert (made.loop.kind, made.loop.items, made.loop.control.index_var) == ("loop", [1], "i")
    assert isinstance(made.loop.control.loop_var, Template)


def test_listen_belongs_on_handlers_only(site: Site) -> None:
    (item,) = site.mistakes("- hosts: all\n  tasks:\n    - ping:\n      listen: x\n")
    assert item.hint == "it belongs on: handler"


def test_y9_imports_that_go_in_a_circle_are_shown_as_a_chain(site: Site) -> None:
    site.write({"a.yml": "- import_tasks: b.yml\n", "b.yml": "- import_tasks: a.yml\n"})
    (item,) = site.mistakes("- hosts: all\n  tasks:\n    - import_tasks: a.yml\n")
    assert (item.summary, item.detail) == ("Imports go in a circle", "a.yml → b.yml → a.yml")
    assert item.span == Span("b.yml", 1, 17)


def test_y9_a_file_that_imports_itself_is_a_circle(site: Site) -> None:
    site.write({"a.yml": "- import_tasks: a.yml\n"})
    (item,) = site.mistakes("- hosts: all\n  tasks:\n    - import_tasks: a.yml\n")
    assert item.detail == "a.yml → a.yml"


def test_y10_imports_may_not_be_thousands_deep(site: Site) -> None:
    site.write({f"t{number}.yml": f"- import_tasks: t{number + 1}.yml\n" for number in range(300)})
    (item,) = site.mistakes("- hosts: all\n  tasks:\n    - import_tasks: t0.yml\n")
    assert item.summary == "Imported too deeply"


def test_an_imported_file_that_is_no_list_of_tasks_is_told(site: Site) -> None:
    site.write({"a.yml": "tasks: []\n", "empty.yml": "# nothing\n"})
    (item,) = site.mistakes(
        "- hosts: all\n  tasks:\n    - import_tasks: a.yml\n    - import_tasks: empty.yml\n")
    assert (str(item.span), item.summary) == ("a.yml:1:1", "Wrong type")


def test_mistakes_in_several_files_are_told_together(site: Site) -> None:
    site.write({"a.yml": "- pign:\n", "b.yml": "- debug: {{ x }}/y\n"})
    text = "- hosts: all\n  tasks:\n    - import_tasks: a.yml\n    - import_tasks: b.yml\n    - debgu:\n"
    found = site.mistakes(text)
    assert [item.span.file for item in found if item.span] == ["a.yml", "b.yml", "site.yml"]


def test_defaults_of_a_group_go_to_its_modules_and_a_modules_own_win(site: Site) -> None:
    play = site.play("""
        - hosts: all
          module_defaults:
            docker_image: {timeout: 9}
            group/community.docker.docker: {timeout: 5, docker_host: "tcp://h"}
          tasks: [{docker_container: {name: a}}, {docker_image: {name: b}}, {ping: }]
    """)
    container, image, ping = tasks_of(play.tasks)
    assert container.args == {"timeout": 5, "docker_host": "tcp://h", "name": "a"}
    assert image.args == {"timeout": 9, "docker_host": "tcp://h", "name": "b"}
    assert ping.args == {}
