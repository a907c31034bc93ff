"""One scenario for each rule of the language that clones get wrong: batches, hosts, facts, output, inventories, files.

They are numbered with those of `test_values_and_flow.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provisioner.engine.batch import Options, World
from provisioner.engine.engine import Engine
from provisioner.inventory.model import Inventory
from provisioner.lang.keywords import KEYWORDS, Place
from provisioner.lang.load import Loader
from provisioner.template.templar import Templar
from provisioner.testing.play import FakeDriver, FunctionModules, ModuleFunction
from provisioner.values import HostName
from tests.semantics.conftest import Site

ONE = "h1 ansible_connection=local\n"
FOUR = "".join(f"h{number} ansible_connection=local\n" for number in range(1, 5))
GONE = "h1 ansible_host=127.0.0.1 ansible_port=1\nh2 ansible_connection=local\n"


@pytest.mark.parametrize(("serial", "batches"), [
    ("2", ["h1 h2", "h3 h4"]), ("25%", ["h1", "h2", "h3", "h4"]), ("[1, 2]", ["h1", "h2 h3", "h4"]),
    ("10%", ["h1", "h2", "h3", "h4"])])
def test_25_serial(site: Site, serial: str, batches: list[str]) -> None:
    ran = site.apply(f"""
        - hosts: all
          gather_facts: false
          serial: {serial}
          tasks:
            - debug: {{msg: "{{{{ ansible_play_batch | join(' ') }}}}/{{{{ ansible_play_hosts_all | length }}}}"}}
        """, hosts=FOUR)
    seen = [ran.said(f"h{number}")[0] for number in range(1, 5)]
    assert list(dict.fromkeys(seen)) == [f"{batch}/4" for batch in batches]


@pytest.mark.parametrize(("keyword", "goes_on"), [
    ("max_fail_percentage: 26", True), ("max_fail_percentage: 25", True), ("max_fail_percentage: 24", False),
    ("any_errors_fatal: true", False)])
def test_26_max_fail_percentage(site: Site, keyword: str, goes_on: bool) -> None:
    ran = site.apply(f"""
        - hosts: all
          gather_facts: false
          {keyword}
          tasks:
            - fail:
              when: inventory_hostname == 'h2'
            - debug: {{msg: next}}
        """, hosts=FOUR)
    assert [len(ran.results(host)) for host in ("h1", "h2", "h3", "h4")] == ([2, 1, 2, 2] if goes_on else [1] * 4)


@pytest.mark.parametrize(("strategy", "together"), [("linear", True), ("lockstep", True), ("free", False)])
def test_27_linear(site: Site, strategy: str, together: bool) -> None:
    """With barriers the slow host's first task comes before the quick one's last."""
    ran = site.apply(f"""
        - hosts: all
          gather_facts: false
          strategy: {strategy}
          tasks:
            - include_tasks: slow.yml
            - {{name: last, command: "true"}}
        """, files={"slow.yml": "- {name: first, command: \"sleep {{ 0.5 if inventory_hostname == 'h1' else 0 }}\"}\n"})
    done = [(line["name"], line["host"]) for line in ran.lines
            if line["type"] == "result" and line["module"] == "command"]
    assert (done.index(("first", "h1")) < done.index(("last", "h2"))) is together


def test_28_unreachable(site: Site) -> None:
    ran = site.tasks("- ping:\n- debug: {msg: next}", hosts=GONE)
    assert (ran.code, ran.recap("h1"), ran.said("h2")) == (4, {"unreachable": 1}, ["next"])
    ran = site.tasks("- {ping: , ignore_unreachable: true, register: r}\n- debug: {msg: '{{ r is unreachable }}'}",
                     hosts=GONE)  # fmt: skip
    assert (ran.code, ran.said("h1"), ran.said("h2")) == (0, [True], [False])
    text = "- {hosts: all, gather_facts: false, tasks: [{ping: }, {meta: clear_host_errors}]}\n" \
           "- {hosts: all, gather_facts: false, tasks: [{debug: {msg: again}}]}\n"  # fmt: skip
    assert site.apply(text, hosts=GONE).said("h1") == ["again"]


def test_29_facts(site: Site) -> None:
    site.write({"facts.d/own.fact": '{"a": 1}', "facts.d/old.fact": "[general]\nport=80\n",
                "facts.d/run.fact": "#!/bin/sh\necho '{\"now\": true}'\n"})
    (site.folder / "facts.d/run.fact").chmod(0o755)
    ran = site.tasks("""
        - setup: {gather_subset: ["!all", "!min", local], fact_path: "{{ playbook_dir }}/facts.d"}
        - debug: {msg: "{{ [ansible_local.own.a, ansible_facts.ansible_local.old.general.port] }}"}
        - debug: {msg: "{{ ansible_local.run.now }}"}
        - debug: {msg: "{{ ansible_facts.kernel is defined }}"}
        - setup: {gather_subset: min}
        - debug: {msg: "{{ ansible_facts.kernel == ansible_kernel }}"}
        """, hosts=ONE)
    assert ran.said() == [[1, "80"], True, False, True]
    text = "- {hosts: all, tasks: [{debug: {msg: \"{{ ansible_facts == {} }}\"}}]}\n"
    assert site.apply(text, hosts=ONE).said() == [False]
    site.write({"ansible.cfg": "[defaults]\ngathering = explicit\n"})
    assert site.apply(text, hosts=ONE).said() == [True]


def test_30_set_fact(site: Site) -> None:
    ran = site.apply("""
        - hosts: all
          gather_facts: false
          tasks:
            - set_fact: {mine: "{{ inventory_hostname }}", n: "{{ 5 }}"}
            - set_fact: {kept: a}
              args: {cacheable: true}
        - hosts: all
          gather_facts: false
          vars: {kept: play}
          tasks:
            - debug: {msg: "{{ [mine, hostvars.h2.mine, n, kept, ansible_facts.kept] }}"}
        """)
    assert ran.said("h1") == [["h1", "h2", 5, "a", "a"]]


def test_31_check_mode(site: Site, once: Callable[[str], int]) -> None:
    tasks = """
        - copy: {content: x, dest: "{{ playbook_dir }}/made"}
        - shell: echo x >> {{ playbook_dir }}/real
          check_mode: false
        - copy: {content: x, dest: "{{ playbook_dir }}/never"}
          check_mode: true
        - debug: {msg: "{{ ansible_check_mode }}"}
        """
    ran = site.tasks(tasks, "--check", hosts=ONE)
    assert (ran.said(), once("made"), once("real"), once("never")) == ([True], 0, 1, 0)
    ran = site.tasks(tasks, hosts=ONE)
    assert (ran.said(), once("made"), once("real"), once("never")) == ([False], 1, 2, 0)


def test_32_diff(site: Site) -> None:
    ran = site.tasks("""
        - template: {src: a.j2, dest: "{{ playbook_dir }}/a"}
        - copy: {content: "secret\\n", dest: "{{ playbook_dir }}/b"}
          no_log: true
        - copy: {content: "quiet\\n", dest: "{{ playbook_dir }}/c"}
          diff: false
        """, "--diff", "--check", hosts=ONE, files={"a.j2": "{{ 1 + 1 }}\n"})
    told = json.dumps(ran.lines)
    assert [line["type"] for line in ran.lines].count("diff") == 1
    assert '"2\\n"' in told
    assert "secret" not in told
    assert "quiet" not in told


def test_33_no_log(site: Site) -> None:
    ran = site.tasks("""
        - command: echo hidden {{ item }}
          loop: [a]
          no_log: true
          register: r
        - assert: {that: "r.results[0].stdout == 'hidden a'"}
        """, hosts=ONE)
    assert ran.statuses() == ["changed", "ok"]
    assert "hidden a" not in json.dumps([line for line in ran.lines if line.get("module") == "command"])


def test_34_unsafe(site: Site) -> None:
    (site.folder / "f").write_text("{{ 1 + 1 }}")
    ran = site.tasks("""
        - command: echo '{{ "{{" }} 1 + 1 }}'
          register: r
        - debug: {msg: "{{ [r.stdout, lookup('file', 'f'), marked] }}"}
          vars: {marked: !unsafe "{{ 1 + 1 }}"}
        - debug: {var: "{{ r.stdout }}"}
          ignore_errors: true
        """, hosts=ONE)
    assert ran.said()[0] == ["{{ 1 + 1 }}"] * 3
    assert ran.statuses()[-1] == "ignored"


def test_35_vault(site: Site) -> None:
    site.write({"one": "first\n", "two": "second\n", "group_vars/all.yml": "whole: of a file\n"})
    for name, source in (("one", "one"), ("two", "two")):
        code, out, err = site.command("vault", "encrypt-string", "--vault-id", f"{source}@{source}", f"word {name}",
                                      "--name", f"v_{name}")  # fmt: skip
        assert code == 0, err
        with (site.folder / "group_vars/all.yml").open("a") as file:
            file.write(out + "\n")
    assert site.command("vault", "encrypt", "--vault-id", "two@two", "group_vars/all.yml")[0] == 0
    head = (site.folder / "group_vars/all.yml").read_text().partition("\n")[0]
    assert head == "$ANSIBLE_VAULT;1.2;AES256;two"
    ran = site.tasks("- assert: {that: [v_one == 'word one', v_two == 'word two', whole == 'of a file']}\n"
                     "- debug: {msg: '{{ v_one }}'}", "--vault-id", "one@one", "--vault-id", "two@two", hosts=ONE)
    assert ran.statuses() == ["ok", "ok"], ran.err
    assert "word one" not in json.dumps(ran.lines)
    ran = site.tasks("- debug: {msg: used by nobody}", "--vault-id", "two@two", hosts=ONE)
    assert ran.said() == ["used by nobody"]  # what is not used needs no password


def test_36_inventory_ini(site: Site) -> None:
    site.write({"hosts.ini": "h1 a=FALSE b=8080 c=\"['a']\" d=False e=08 f='x y'\n[x]\nh1\n"
                             "[x:vars]\ng=1\nh=True\ni=a b\n"})
    code, out, _ = site.command("inventory", "--host", "h1", "-i", "hosts.ini")
    assert (code, json.loads(out)) == (0, {
        "a": "FALSE", "b": 8080, "c": ["a"], "d": False, "e": "08", "f": "x y", "g": 1, "h": True, "i": "a b"})


@pytest.mark.parametrize(("pattern", "hosts"), [
    ("web", "w01 w03 w05"), ("web:db", "w01 w03 w05 da db dc"), ("web:&new", "w03"), ("web:!new", "w01 w05"),
    ("web[0:1]", "w01 w03"), ("web[-1]", "w05"), ("~w0[13]", "w01 w03"), ("d*,w05", "da db dc w05"),
])
def test_37_ranges_and_patterns(site: Site, pattern: str, hosts: str) -> None:
    site.write({"hosts.ini": "[web]\nw[01:05:2]\n[db]\nd[a:c]\n[new]\nw03\n", "some": "w01\nda\n",
                "site.yml": f"- hosts: \"{pattern}\"\n  tasks: []\n"})
    found = site.command("apply", "site.yml", "-i", "hosts.ini", "--list-hosts")[1].split()
    assert [word for word in found if word in {*hosts.split(), "w01", "w03", "w05", "da", "db", "dc"}] == hosts.split()
    site.write({"site.yml": "- hosts: all\n  tasks: []\n"})
    assert "localhost" not in site.command("apply", "site.yml", "-i", "hosts.ini", "--list-hosts")[1]
    assert "hosts (2)" in site.command("apply", "site.yml", "-i", "hosts.ini", "--list-hosts", "-l", "@some")[1]


def test_38_yaml(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: "{{ [a, b, c, d, e, d] }}"}
          vars: {a: yes, b: off, c: 0644, d: 1, d: 2}
        """, "-e", "e=5", hosts=ONE)
    assert ran.said() == [[True, False, 420, 2, "5", 2]]
    assert any(line["type"] == "warning" and "duplicate" in line["message"].lower() for line in ran.lines)
    assert site.tasks("- debug: {msg: '{{ e }}'}", "-e", '{"e": 5}', hosts=ONE).said() == [5]
    wrong = site.tasks("- file: {path: /tmp, mode: 755}", hosts=ONE)
    assert '"0755"' in wrong.err


def test_39_free_form(site: Site) -> None:
    ran = site.tasks("""
        - shell: pwd && echo "a  b" chdir=/ creates=/nowhere
          register: r
        - debug: {msg: "{{ r.stdout }}"}
        - debug: msg="{{ 'x y' }} {{ [1, 2] | join(' ') }}"
        - action: debug msg=a
        - local_action: {module: debug, msg: b}
        - debug: msg=c
          args: {verbosity: 0}
        """, hosts=ONE)
    assert ran.said() == ["/\na  b", "x y 1 2", "a", "b", "c"]


def test_40_environment_and_module_defaults(site: Site) -> None:
    ran = site.apply("""
        - hosts: h1
          gather_facts: false
          environment: {A: play, B: play}
          module_defaults: {debug: {msg: play}, command: {chdir: /}}
          tasks:
            - block:
                - command: sh -c 'echo $A $B $C; pwd -P'
                  environment: {C: task}
                  register: r
                - debug:
                - debug: {msg: "{{ r.stdout }}"}
              environment: {B: block}
              module_defaults: {ansible.builtin.debug: {msg: block}}
            - debug:
        """, hosts=ONE)
    assert ran.said() == ["block", "play block task\n/", "play"]


@pytest.mark.parametrize(("keywords", "user"), [
    ("become: true", "root"), ("become: true\n      become_user: web", "web"), ("become_user: web", None),
    ("become: \"{{ wanted }}\"\n      become_user: web\n      vars: {wanted: false}", None),
    ("become: true\n      become_user: web\n      vars: {ansible_become_user: of_variable}", "of_variable")])
def test_41_become(tmp_path: Path, keywords: str, user: str | None) -> None:
    """`become_user` alone changes nothing, and a variable beats the keyword; real users are in tests/transport."""
    seen: list[str | None] = []

    class Watched(FakeDriver):
        def call(self, machine, module, args, become):  # type: ignore[no-untyped-def]
            seen.append(become.user if become else None)
            return {}

    text = f"- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n      {keywords}\n"
    (tmp_path / "site.yml").write_text(text)
    loader, inventory = Loader(), Inventory()
    inventory.add_host(HostName("h1"), [], {})
    modules: Mapping[str, ModuleFunction] = {"ping": lambda host, args: {}}
    playbook, _ = loader.playbook(str(tmp_path / "site.yml"))
    engine = Engine([playbook], World(inventory, Options()), Templar(), FunctionModules(modules))
    Watched(engine, modules, loader).run()
    assert seen == [user]


def test_42_async_and_poll(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = "h1 ansible_connection=local ansible_async_dir='{{ playbook_dir }}/jobs'\n"
    ran = site.tasks("""
        - command: sh -c 'sleep 0.3; echo done'
          async: 30
          poll: 0
          register: job
        - debug: {msg: "{{ [job.started, job.finished, job.ansible_job_id is defined] }}"}
        - async_status: {jid: "{{ job.ansible_job_id }}"}
          register: r
          until: r is finished
          delay: 0.1
          retries: 100
        - debug: {msg: "{{ [r.stdout, r.finished] }}"}
        - command: sleep 30
          async: 1
          poll: 1
          ignore_errors: true
        """, hosts=jobs)
    assert ran.said() == [[True, False, True], ["done", True]]
    assert ran.statuses()[-1] == "ignored"


def test_43_loop_control(site: Site) -> None:
    ran = site.tasks("""
        - debug: {msg: "{{ n }}{{ i }}{{ ansible_loop.first }}{{ ansible_loop.nextitem | default('-') }}"}
          loop: [a, b, c]
          loop_control: {loop_var: n, index_var: i, label: "<{{ n }}>", extended: true, break_when: n == 'b'}
          register: r
        - debug: {msg: "{{ r.results | map(attribute='msg') }}"}
        - {debug: {msg: x}, with_items: [[1, 2], [[3]]]}
        - {debug: {msg: x}, loop: [[1, 2], 3]}
        """, hosts=ONE)
    assert [item for item, _ in ran.items()] == ["<a>", "<b>", "1", "2", "[3]", "[1, 2]", "3"]
    assert ran.said()[1] == ["a0Trueb", "b1Falsec"]


def test_44_templates(site: Site) -> None:
    head = "#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n"
    site.write({"a.j2": "{% if true %}\nx\n  {% endif %}\ny\n", "b.j2": head + "[% v %] {{ v }}\n",
                "c.j2": "{{ ansible_managed }}\n\n"})  # fmt: skip
    ran = site.tasks("""
        - template: {src: "{{ item }}.j2", dest: "{{ playbook_dir }}/{{ item }}"}
          loop: [a, b, c]
          vars: {v: 1}
        - template: {src: a.j2, dest: "{{ playbook_dir }}/d", trim_blocks: false, newline_sequence: "\\r\\n"}
        """, hosts=ONE)
    assert ran.code == 0
    made = [(site.folder / name).read_bytes() for name in "abcd"]
    assert made == [b"x\n  y\n", b"1 {{ v }}\n", b"Ansible managed\n\n", b"\r\nx\r\n  \r\ny\r\n"]


def test_45_exit_codes(site: Site) -> None:
    assert site.tasks("- ping:", hosts=ONE).code == 0
    assert site.tasks("- debug: {msg: a}\n  changed_when: true\n  notify: nobody", hosts=ONE).code == 1
    assert site.tasks("- fail:", hosts=ONE).code == 2
    assert site.tasks("- ping:\n- fail:", hosts=GONE).code == 2 + 4
    assert site.tasks("- ping:\n  wehn: x", hosts=ONE).code == 4
    assert site.tasks("- ping:", "--no-such-option", hosts=ONE).code == 5


def test_46_vars_prompt(site: Site) -> None:
    text = """
        - hosts: h1
          gather_facts: false
          vars_prompt: [{name: who, private: false}, {name: word, confirm: true, default: d}]
          tasks: [{debug: {msg: "{{ [who, word | length] }}"}}]
        """
    assert site.apply(text, "-e", "who=me word=given", hosts=ONE).said() == [["me", 5]]
    ran = site.apply(text, "-e", "who=me", hosts=ONE)  # nobody is there to ask
    assert ran.said() == [["me", 1]]


def test_47_argument_specs(site: Site) -> None:
    tasks = "- {debug: {msg: '{{ web_port }}'}, tags: own}\n"
    files = {"roles/r/tasks/main.yml": tasks, "roles/r/meta/argument_specs.yml": """\
        argument_specs:
          main:
            options:
              web_port: {type: int, required: true}
              kind: {choices: [a, b]}
        """}
    text = "- {hosts: h1, gather_facts: false, roles: [{role: r, PARAMS}]}\n"
    assert site.apply(text.replace("PARAMS", "web_port: 80"), files=files, hosts=ONE).said() == [80]
    ran = site.apply(text.replace("PARAMS", "kind: c"), "-t", "own", files=files, hosts=ONE)
    (failed,) = ran.results()
    assert (failed["status"], failed["module"]) == ("failed", "validate_argument_spec")
    assert "web_port" in failed["result"]["msg"]


@pytest.mark.parametrize(("place", "text"), [
    (Place.PLAY, "- hosts: all\n  wehn: x\n"), (Place.TASK, "- hosts: all\n  tasks: [{ping: , wehn: x}]\n"),
    (Place.BLOCK, "- hosts: all\n  tasks: [{block: [], wehn: x}]\n"),
    (Place.HANDLER, "- hosts: all\n  handlers: [{name: h, ping: , wehn: x}]\n"),
])
def test_48_keyword_set(site: Site, place: Place, text: str) -> None:
    ran = site.apply(text, hosts=ONE)
    assert (ran.code, "wehn" in ran.err) == (4, True)
    common = {"any_errors_fatal", "become", "become_exe", "become_flags", "become_method", "become_user", "check_mode",
              "collections", "connection", "debugger", "diff", "environment", "ignore_errors", "ignore_unreachable",
              "module_defaults", "name", "no_log", "port", "remote_user", "run_once", "tags", "throttle", "timeout",
              "vars"}
    own = {Place.PLAY: {"fact_path", "force_handlers", "gather_facts", "gather_subset", "gather_timeout", "handlers",
                        "hosts", "max_fail_percentage", "order", "post_tasks", "pre_tasks", "roles", "serial",
                        "strategy", "tasks", "vars_files", "vars_prompt"},
           Place.BLOCK: {"always", "block", "delegate_facts", "delegate_to", "notify", "rescue", "when"}}
    task = {"action", "args", "async", "changed_when", "delay", "delegate_facts", "delegate_to", "failed_when",
            "local_action", "loop", "loop_control", "notify", "poll", "register", "retries", "until", "when"}
    wanted = common | own.get(place, task | ({"listen"} if place is Place.HANDLER else set()))
    assert {name for name, keyword in KEYWORDS.items() if place in keyword.on} >= wanted
