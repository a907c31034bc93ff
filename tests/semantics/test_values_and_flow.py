"""One scenario for each rule of the language that clones get wrong: variables, conditions, results, handlers, blocks.

They are numbered with those of `test_plays_and_runs.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.semantics.conftest import Site

ONE = "h1 ansible_connection=local\n"


def test_01_precedence_low_to_high(site: Site) -> None:
    """Each variable is at two neighbouring levels; the higher one has it."""
    files = {
        "roles/r/defaults/main.yml": "v1: role default\n",
        "group_vars/all.yml": "v2: group_vars all\nv3: group_vars all\n",
        "group_vars/web.yml": "v3: group_vars web\nv4: group_vars web\n",
        "host_vars/h1.yml": "v5: host_vars\nv6: host_vars\n",
        "vars.yml": "v7: vars_files\nv8: vars_files\n",
        "roles/r/vars/main.yml": "v8: role vars\nv9: role vars\nv14: role vars\n",
        "roles/r/tasks/main.yml": """\
            - block:
                - include_vars: more.yml
                - set_fact: {v12: set_fact}
                - debug: {msg: "{{ [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14] }}"}
                  vars: {v10: task, v11: task}
                - include_tasks: inner.yml
                  vars: {v12: include param}
              vars: {v9: block, v10: block}
            """,
        "roles/r/tasks/inner.yml": "- debug: {msg: '{{ v12 }}'}\n",
        "roles/r/vars/more.yml": "v11: include_vars\nv12: include_vars\n",
    }
    hosts = "[web]\nh1 ansible_connection=local v4='host line' v5='host line'\n[web:vars]\nv1=group\nv2=group\n"
    text = """
        - hosts: web
          gather_facts: false
          vars: {v6: play, v7: play}
          vars_files: [vars.yml]
          roles: [{role: r, v13: role param, v14: role param}]
        """
    assert site.apply(text, files=files, hosts=hosts).said() == [[
        "group", "group_vars all", "group_vars web", "host line", "host_vars", "play", "vars_files", "role vars",
        "block", "task", "include_vars", "set_fact", "role param", "role param"], "include param"]  # fmt: skip
    extra = ["-e", '{"v6": "extra", "v8": "extra", "v12": "extra", "v13": "extra"}']
    (said, _) = site.apply(text, *extra, files=files, hosts=hosts).said()
    assert [said[5], said[7], said[11], said[12]] == ["extra"] * 4


def test_02_group_merge_order(site: Site) -> None:
    hosts = ("[a]\nh1 ansible_connection=local\n[z]\nh1\n[b]\nh1\n[top:children]\nb\n[top:vars]\nv=top\nonly=top\n"
             "[a:vars]\nu=a\nv=a\n[z:vars]\nu=z\nv=z\n[b:vars]\nv=b\nd={'of': 'b'}\n")  # fmt: skip
    files = {"host_vars/h1.yml": "d: {mine: 1}\n"}
    ran = site.tasks("- debug: {msg: '{{ [u, v, only, d] }}'}", hosts=hosts, files=files)
    assert ran.said() == [["z", "b", "top", {"mine": 1}]]  # the child's, the last by name, not merged
    ran = site.tasks("- debug: {msg: '{{ [u, v] }}'}", hosts=hosts.replace("u=a\n", "u=a\nansible_group_priority=9\n"))
    assert ran.said() == [["a", "b"]]


def test_03_lazy_templating(site: Site) -> None:
    ran = site.apply("""
        - hosts: h1
          gather_facts: false
          vars: {url: "http://{{ name }}:{{ port }}/", port: "{{ 8000 + offset }}", offset: 1}
          tasks:
            - set_fact: {name: later}
            - debug: {msg: "{{ url }}"}
            - debug: {msg: "{{ url }}"}
              vars: {offset: 80}
        """)
    assert ran.said() == ["http://later:8001/", "http://later:8080/"]


def test_04_native_types(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: "{{ [n, t, n ~ '', l] }}"}
          vars: {n: "{{ 5 }}", t: "x{{ n }}", l: "{{ [1, {'a': true}] }}"}
        - debug: {msg: "{{ text }}"}
          vars: {text: "{{ '5' }}"}
        """)
    assert ran.said() == [[5, "x5", "5", [1, {"a": True}]], "5"]


def test_05_when(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: both}
          when: [1 == 1, "'a' in 'abc'"]
        - debug: {msg: one}
          when: [true, false]
        - debug: {msg: text}
          when: "'yes'"
          ignore_errors: true
        - debug: {msg: list}
          when: "[1]"
          ignore_errors: true
        """, hosts=ONE)
    assert ran.statuses() == ["ok", "skipped", "ignored", "ignored"]
    assert "site.yml:9:" in str(ran.results()[2]["result"]["msg"])
    assert "not a boolean" in str(ran.results()[2]["result"]["msg"])


def test_06_when_with_loop(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: "{{ item }}"}
          loop: [1, 2, 3]
          when: item != 2
        - debug: {msg: x}
          loop: "{{ nothing }}"
          when: false
        - debug: {msg: x}
          loop: "{{ nothing }}"
          when: item == 1
          ignore_errors: true
        """, hosts=ONE)
    assert ran.items() == [("1", "ok"), ("2", "skipped"), ("3", "ok")]
    assert ran.statuses() == ["ok", "skipped", "ignored"]


def test_07_undefined(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: "{{ [nope.x.y | default('D'), nope is defined, r is defined, half | default('H')] }}"}
          vars: {half: "{{ nope }}"}
        - debug: {msg: "{{ outer }}"}
          vars: {outer: "<{{ inner }}>", inner: "{{ nope }}"}
          ignore_errors: true
        """, hosts=ONE)
    assert ran.said()[0] == ["D", False, False, "H"]
    assert "'nope' is undefined" in ran.said()[1]
    assert "site.yml:" in ran.said()[1]


def test_08_omit(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: "{{ {'a': omit, 'b': [1, omit]} }}"}
        - debug: {msg: "{{ nothing | default(omit) }}"}
        - command: {cmd: pwd, chdir: "{{ nowhere | default(omit) }}"}
          environment: {A: "{{ omit }}"}
        """, hosts=ONE)
    assert ran.said() == [{"b": [1]}, "Hello world!"]
    assert ran.statuses() == ["ok", "ok", "changed"]


def test_09_register_in_a_loop(site: Site) -> None:
    ran = site.tasks("""
        - command: "echo {{ it }}"
          loop: [a, b]
          loop_control: {loop_var: it}
          when: it == 'a'
          register: r
        - debug: {msg: "{{ r }}"}
        """, hosts=ONE)
    (told,) = ran.said()
    assert (told["msg"], told["changed"], len(told["results"])) == ("All items completed", True, 2)
    first, second = told["results"]
    assert (first["it"], first["ansible_loop_var"], first["stdout"]) == ("a", "it", "a")
    assert (second["it"], second["skipped"], second["false_condition"]) == ("b", True, "it == 'a'")
    assert second["skip_reason"] == "Conditional result was False"


def test_10_register_when_skipped(site: Site) -> None:
    ran = site.tasks("""
        - command: echo a
          when: 1 == 2
          register: r
        - debug: {msg: "{{ [r is skipped, r.false_condition, r.stdout is defined, r.changed] }}"}
        """, hosts=ONE)
    assert ran.said() == [[True, "1 == 2", False, False]]


def test_11_changed_when_and_failed_when(site: Site) -> None:
    ran = site.tasks("""
        - command: sh -c 'exit 3'
          register: r
          failed_when: [r.rc != 0, r.rc != 3]
          changed_when: [r.rc == 3, r.stdout == '']
        - debug: {msg: "{{ [r.failed_when_result, r.failed, r.changed] }}"}
        - command: echo {{ item }}
          loop: [a, b]
          register: r
          changed_when: r.stdout == 'b'
        """, hosts=ONE)
    assert ran.said() == [[False, False, True]]
    assert ran.items() == [("a", "ok"), ("b", "changed")]


def test_12_until_retries_delay(site: Site, once: Callable[[str], int]) -> None:
    ran = site.tasks("""
        - shell: echo x >> {{ playbook_dir }}/two
          register: r
          until: false
          retries: 2
          delay: 0
          ignore_errors: true
        - debug: {msg: "{{ [r.attempts, r is failed] }}"}
        - shell: echo x >> {{ playbook_dir }}/three; exit 1
          retries: 1
          delay: 0
          ignore_errors: true
        - shell: echo x >> {{ playbook_dir }}/right; test $(wc -l < {{ playbook_dir }}/right) = 3
          register: r
          until: r is succeeded
          delay: 0
        """, hosts=ONE)
    assert (once("two"), once("three"), once("right")) == (3, 2, 3)
    assert ran.said() == [[2, True]]


def test_13_command_with_creates(site: Site, once: Callable[[str], int]) -> None:
    tasks = """
        - command: {cmd: "touch made", creates: site.yml}
          register: r
        - debug: {msg: "{{ [r.rc, r.stdout, r.changed] }}"}
        - shell: echo x >> {{ playbook_dir }}/run
        """
    assert site.tasks(tasks, hosts=ONE).said() == [[0, "skipped, since site.yml exists", False]]
    assert not (site.folder / "made").exists()
    assert site.tasks(tasks, "--check", hosts=ONE).said() == [[0, "skipped, since site.yml exists", False]]
    assert once("run") == 1


def test_14_handlers(site: Site) -> None:
    files = {"roles/r/tasks/main.yml": "- debug: {msg: role}\n  changed_when: true\n  notify: ['r : same', second]\n",
             "roles/r/handlers/main.yml": "- {name: same, debug: {msg: same of role}}\n"
                                          "- {name: same, debug: {msg: never}}\n"}  # fmt: skip
    ran = site.apply("""
        - hosts: h1
          gather_facts: false
          pre_tasks: [{debug: {msg: pre}, changed_when: true, notify: first}]
          roles: [r]
          tasks:
            - {debug: {msg: task}, changed_when: true, notify: [topic, second]}
            - meta: flush_handlers
            - {debug: {msg: last}, changed_when: true, notify: first}
          post_tasks: [{debug: {msg: post}}]
          handlers:
            - {name: first, debug: {msg: first}}
            - {name: second, debug: {msg: second}, changed_when: true, notify: "{{ 'fourth' }}"}
            - {name: third, debug: {msg: third}, listen: topic}
            - {name: "{{ 'fourth' }}", debug: {msg: fourth}}
            - {name: fifth, debug: {msg: fifth}, listen: topic}
        """, files=files, hosts=ONE)
    assert ran.said() == ["pre", "first", "role", "task", "same of role", "second", "third", "fourth", "fifth", "last",
                          "first", "post"]  # fmt: skip


def test_15_handlers_and_failure(site: Site) -> None:
    play = """
        - hosts: h1
          gather_facts: false
          tasks:
            - {debug: {msg: a}, changed_when: true, notify: h}
            - {debug: {msg: same}, notify: never}
            FAIL
          handlers: [{name: h, debug: {msg: handled}}, {name: never, debug: {msg: never}}]
        """
    fails = play.replace("FAIL", "- fail:")
    assert site.apply(fails, hosts=ONE).said() == ["a", "same"]
    assert site.apply(fails, "--force-handlers", hosts=ONE).said() == ["a", "same", "handled"]
    rescued = play.replace("FAIL", "- {block: [{fail: }], rescue: [{debug: {msg: rescued}}]}")
    assert site.apply(rescued, hosts=ONE).said() == ["a", "same", "rescued", "handled"]
    unknown = play.replace("FAIL", "- {debug: {msg: b}, changed_when: true, notify: nobody, ignore_errors: true}")
    ran = site.apply(unknown, hosts=ONE)
    assert (ran.code, "The requested handler 'nobody' was not found" in ran.err) == (1, True)


def test_16_block(site: Site) -> None:
    ran = site.tasks("""
        - block:
            - {name: bad, command: "false"}
            - debug: {msg: never}
          rescue:
            - debug: {msg: "{{ [ansible_failed_task.name, ansible_failed_result.rc, of_block] }}"}
          always:
            - debug: {msg: always}
          vars: {of_block: 1}
        - block: [{debug: {msg: "{{ of_block is defined }}"}}]
          always: [{debug: {msg: always too}}]
        - block: [{debug: {msg: never}}]
          when: false
        """, hosts=ONE)
    assert ran.said() == [["bad", 1, 1], "always", False, "always too"]
    assert (ran.code, ran.recap()["rescued"], "failed" in ran.recap()) == (0, 1, False)
    assert "Loop on a block" in site.tasks("- block: []\n  loop: [1]", hosts=ONE).err
    gone = "h1 ansible_host=127.0.0.1 ansible_port=1\n"
    ran = site.tasks("- block: [{ping: }]\n  rescue: [{debug: {msg: never}}]", hosts=gone)
    assert (ran.code, ran.said()) == (4, [])


def test_17_include_and_import(site: Site) -> None:
    files = {"inner.yml": "- set_fact: {go: false}\n- debug: {msg: behind}\n",
             "tagged.yml": "- debug: {msg: inside}\n- debug: {msg: own}\n  tags: t\n",
             "one.yml": "- debug: {msg: one}\n"}
    text = "- set_fact: {go: true}\n- KIND: inner.yml\n  when: go\n"
    assert site.tasks(text.replace("KIND", "import_tasks"), files=files, hosts=ONE).said() == []
    assert site.tasks(text.replace("KIND", "include_tasks"), files=files, hosts=ONE).said() == ["behind"]
    text = "- KIND: tagged.yml\n  tags: t\n"
    for kind, said in (("import_tasks", ["inside", "own"]), ("include_tasks", ["own"])):
        assert site.tasks(text.replace("KIND", kind), "-t", "t", files=files, hosts=ONE).said() == said
    apply = "- include_tasks: {file: tagged.yml, apply: {tags: t}}\n  tags: t\n- include_tasks: '{{ item }}.yml'\n" \
            "  loop: [one]\n  tags: t\n"  # fmt: skip
    assert site.tasks(apply, "-t", "t", files=files, hosts=ONE).said() == ["inside", "own"]


@pytest.mark.parametrize("name", ["debug", "ansible.builtin.debug", "ansible.legacy.debug"])
def test_18_module_name_resolution(site: Site, name: str) -> None:
    assert site.tasks(f"- {name}: {{msg: a}}", hosts=ONE).said() == ["a"]
    ran = site.tasks("- debgu: {msg: a}\n  when: false", hosts=ONE)
    assert (ran.code, "did you mean `debug`" in ran.err) == (4, True)
    ran = site.tasks("- yum: {name: x}\n  when: false\n- community.general.npm: {path: /x}\n  when: false", hosts=ONE)
    assert ran.statuses() == ["skipped", "skipped"]
    assert site.tasks("- yum: {name: x}", hosts=ONE).statuses() == ["failed"]
    ran = site.tasks("- include_tasks: more.yml", files={"more.yml": "- debgu: {msg: a}\n"}, hosts=ONE)
    assert (ran.code, ran.statuses()) == (2, ["failed"])


def test_19_role_dedup(site: Site) -> None:
    files = {"roles/ra/tasks/main.yml": "- debug: {msg: 'a{{ p | default(0) }}'}\n",
             "roles/rb/tasks/main.yml": "- debug: {msg: b}\n", "roles/rb/meta/main.yml": "dependencies: [ra]\n",
             "roles/rc/tasks/main.yml": "- debug: {msg: c}\n", "roles/rc/meta/main.yml": "allow_duplicates: true\n"}
    ran = site.apply("""
        - hosts: h1
          gather_facts: false
          roles: [ra, rb, {role: ra, p: 1}, ra, rc, rc]
          tasks: [{include_role: {name: ra}}, {import_role: {name: ra}}]
        """, files=files, hosts=ONE)
    assert ran.said() == ["a0", "b", "a1", "c", "c", "a0", "a0"]


def test_20_role_search(site: Site) -> None:
    main = "- debug: {msg: \"{{ [lookup('file', 'f'), lookup('file', 'g'), lookup('file', 'h')] }}\"}\n"
    files = {"roles/r/tasks/main.yml": main, "roles/r/files/f": "role", "files/f": "play", "files/g": "play",
             "roles/r/tasks/h": "beside the tasks",
             "h": "play", "shelf/far/tasks/main.yml": "- debug: {msg: far}\n",
             "near/tasks/main.yml": "- debug: {msg: near}\n",
             "ansible.cfg": "[defaults]\nroles_path = shelf\n"}  # fmt: skip
    ran = site.apply("- hosts: h1\n  gather_facts: false\n  roles: [r, far, near]\n", files=files, hosts=ONE)
    assert ran.said() == [["role", "play", "beside the tasks"], "far", "near"]


def test_21_role_vars_scope(site: Site) -> None:
    files = {f"roles/{name}/vars/main.yml": f"v_{name}: 1\n" for name in ("listed", "private", "public")}
    files |= {f"roles/{name}/tasks/main.yml": "- debug: {msg: x}\n" for name in ("listed", "private", "public")}
    ran = site.apply("""
        - hosts: h1
          gather_facts: false
          roles: [listed]
          tasks:
            - include_role: {name: private}
            - include_role: {name: public, public: true}
            - debug: {msg: "{{ [v_listed is defined, v_private is defined, v_public is defined] }}"}
        """, files=files, hosts=ONE)
    assert ran.said()[-1] == [True, False, True]


@pytest.mark.parametrize(("words", "said"), [
    ([], ["a", "b", "plain", "always"]),
    (["-t", "a"], ["a", "always"]),
    (["-t", "a,b", "--skip-tags", "b"], ["a", "always"]),
    (["-t", "never"], ["never", "always"]),
    (["-t", "debug"], ["never", "always"]),
    (["-t", "tagged"], ["a", "b", "always"]),
    (["-t", "untagged"], ["plain", "always"]),
    (["-t", "all", "--skip-tags", "always"], ["a", "b", "plain"]),
    (["--skip-tags", "tagged"], ["plain"]),
])
def test_22_tags(site: Site, words: list[str], said: list[str]) -> None:
    ran = site.tasks("""
        - {debug: {msg: a}, tags: a}
        - {debug: {msg: b}, tags: [b, c]}
        - {debug: {msg: plain}}
        - {debug: {msg: never}, tags: [never, debug]}
        - {debug: {msg: always}, tags: always}
        """, *words, hosts=ONE)
    assert ran.said() == said


def test_23_run_once(site: Site) -> None:
    ran = site.tasks("""
        - command: echo {{ inventory_hostname }}
          run_once: true
          register: r
        - set_fact: {v: "{{ inventory_hostname }}"}
          run_once: true
        - debug: {msg: "{{ [r.stdout, v] }}"}
        - debug: {msg: never}
          run_once: true
          when: inventory_hostname == 'h2'
        """)
    assert (ran.said("h1"), ran.said("h2")) == ([["h1", "h1"]], [["h1", "h1"]])


def test_24_delegate_to(site: Site) -> None:
    hosts = "h1 ansible_connection=local v=one\nh2 ansible_connection=local v=two\n"
    ran = site.tasks("""
        - command: echo {{ v }}
          delegate_to: h2
          register: r
          when: inventory_hostname == 'h1'
        - setup: {gather_subset: "!all,!min"}
          delegate_to: h2
          delegate_facts: true
          when: inventory_hostname == 'h1'
        - command: echo {{ inventory_hostname }}
          delegate_to: localhost
          register: s
        - debug:
            msg: "{{ [r.stdout | default('no'), s.stdout, ansible_facts == {}, hostvars.h2.ansible_facts == {}] }}"
        """, hosts=hosts)
    assert (ran.said("h1"), ran.said("h2")) == ([["one", "h1", True, False]], [["no", "h2", False, False]])
