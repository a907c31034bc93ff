"""Mistakes in files and on the command line: each message says where, what and how to mend it.

Mistakes that need a real host are in tests/e2e/test_wrong_input.py. Plays here run on this machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.cli.main import main

PLAY = "- hosts: all\n  gather_facts: false\n  vars: {app_name: shop, n: 3, a: '{{ b }}', b: '{{ a }}'}\n  tasks:\n"
"""Its tasks begin in line 5."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("hosts.ini").write_text("[web]\nhere ansible_connection=local\n")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def assert_told(told: tuple[int, str], code: int, *words: str) -> None:
    assert [word for word in words if word not in told[1]] == [], told[1]
    assert told[0] == code, told[1]


@pytest.mark.parametrize(("text", "words"), [
    ("- hosts: all\n  gather_fact: no\n", ["site.yml:2:3: error: Unknown keyword", "did you mean `gather_facts`?"]),
    ("- hosts: all\n  tasks:\n    - block: []\n      rescues: []\n",
     ["site.yml:4:7:", "'rescues' is not a valid attribute for a Block", "did you mean `rescue`?"]),
    (f"{PLAY}    - ping:\n      wehn: true\n", ["site.yml:6:7:", "6 |       wehn: true\n", "|       ^\n", "`when`?"]),
    (f"{PLAY}    - name: x\n\t  ping:\n", ["site.yml:6:1: error: Tab in the indentation", "use spaces"]),
    (f"{PLAY}    - copi: {{}}\n", ["site.yml:5:7: error: Unknown module", "did you mean `copy`?"]),
    (f"{PLAY}    - frobnicate: {{}}\n", ["site.yml:5:7: error: Unknown module", "`provision doc --list`"]),
    (f"{PLAY}    - copy: {{content: x}}\n", ["site.yml:5:7:", "dest is required", "`dest`: Where it goes."]),
    (f"{PLAY}    - wait_for: {{port: http}}\n", ["site.yml:5:24:", "a whole number is expected, not 'http'"]),
    (f"{PLAY}    - file: {{path: /x, mode: 644}}\n", ["site.yml:5:30:", "that is mode 1204; write \"0644\" in quotes"]),
    (f"{PLAY}    - debug:\n        msg: {{{{ n }}}} things\n", ["site.yml:6:14:", 'quote it: "{{ n }} things"']),
    (f"{PLAY}    - import_tasks: nope.yml\n", ["site.yml:5:21: error: File not found", "`tasks/nope.yml`"]),
    ("- hosts: all\n  roles: [wbe]\n", ["site.yml:2:11: error: Role not found", "did you mean `roles/web`?"]),
    (f"{PLAY}    []\n---\n[]\n", ["site.yml:6:1: error: More than one document"]),
    ("", ["site.yml:1:1: error: Empty playbook", "start with `- hosts: all`"]),
    ("hosts: all\n", ["a playbook must be a list of plays, not a mapping", "start each play with `- `"]),
    ("- apt: {name: htop}\n", ["'apt' is not a valid attribute for a Play: it is a module", "put it under `tasks:`"]),
    ("- hosts: '{{ target }}'\n  tasks: []\n", ["site.yml:1:10: error: The hosts of a play are not known",
                                                "'target' is undefined", "`-e target=…`"]),
    ("- hosts: all\n  vars_files: [nope.yml]\n  tasks: []\n",
     ["site.yml:1:3: error: Variables file not found", "none of these exists: `vars/nope.yml`, `nope.yml`"]),
])
def test_a_playbook_that_cannot_be_used(text: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("roles/web/tasks").mkdir(parents=True)
    Path("site.yml").write_text(text)
    assert_told(said(capsys, "apply", "-i", "hosts.ini", "site.yml"), 4, *words)


def test_a_misspelt_argument_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.yml").write_text(f"{PLAY}    - copy: {{content: x, dst: /tmp/x}}\n    - copy: [a]\n    - copy: src\n")
    code, text = said(capsys, "apply", "-i", "hosts.ini", "site.yml")
    assert_told((code, text), 4, "site.yml:5:31:", "Unsupported parameters for (copy) module: dst",
                "did you mean `dest`?", "must be a mapping of arguments, not a list",
                "`src` is not `name=value`", "3 errors")
    assert "needs" not in text


@pytest.mark.parametrize(("tasks", "words"), [
    ("    - debug: {msg: '{{ app_nme }}'}\n", ["site.yml:5:20: 'app_nme' is undefined", "did you mean `app_name`?"]),
    ("    - debug:\n      when: app_nme == 'x'\n", ["site.yml:6:13: 'app_nme' is undefined", "`app_name`?"]),
    ("    - debug:\n      when: app_name == Debian\n", ["'Debian' is undefined", "needs quotes: 'Debian'"]),
    ("    - debug:\n      when: app_name = 'x'\n", ["site.yml:6:13: Template syntax", "write `==` to compare"]),
    ("    - debug:\n      when: n\n", ["The condition `n` is an integer (3), not a boolean", "compare it"]),
    ("    - debug:\n      loop: '{{ app_nme }}'\n", ["fatal: [here]: FAILED! =>", "'app_nme' is undefined"]),
    ("    - debug: {msg: '{{ ansible_facts.distribution }}'}\n", ["no attribute 'distribution'", "gather_facts: true"]),
    ("    - debug: {msg: '{{ n | uper }}'}\n", ["Unknown filter `uper`", "did you mean `upper`?"]),
    ("    - debug: {msg: '{{ n '}\n", ["site.yml:5:20: Template syntax", "close it with `}}`"]),
    ("    - debug: {msg: '{{ a }}'}\n", ["Variable refers to itself: a -> b -> a"]),
    ("    - template: {src: site.j2, dest: /nope/x}\n", ["site.j2:2:1: 'app_nam' is undefined", "`app_name`?"]),
    ("    - template: {src: sit.j2, dest: /nope/x}\n", ["there is no file `sit.j2` (did you mean `site.j2`?)",
                                                        "Origin: site.yml:5"]),
    ("    - command: 'true'\n      register: out\n      changed_when: out.stdot\n",
     ["site.yml:7:21: A dictionary with", "did you mean `stdout`?"]),
    ("    - command: 'true'\n      register: out\n      until: ouut.rc == 0\n",
     ["site.yml:7:14: 'ouut' is undefined", "did you mean `out`?", "failed=1"]),
])
def test_a_task_that_cannot_be_done_fails_its_host(tasks: str, words: list[str],
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.yml").write_text(PLAY + tasks)
    Path("site.j2").write_text("name {{ app_name }}\nport {{ app_nam }}\n")
    told = said(capsys, "apply", "-i", "hosts.ini", "site.yml")
    assert_told(told, 2, *words)
    assert "(item=)" not in told[1]


@pytest.mark.parametrize(("hosts", "words"), [
    ("[web]\nweb[1:1000000000]\n", ["bad.ini:2:1: error: Wrong range", "more than 100000"]),
    ("[web]\nweb[5:1]\nweb[1:3\n", ["bad.ini:2:1:", "ends before it starts", "bad.ini:3:1:", "is not closed"]),
    ("[a:children]\nb\n[b:children]\na\n", ["bad.ini:4:1: error: Group contains itself", "a → b → a"]),
    ("[web\n", ["bad.ini:1:1: error: Wrong section", "a section is closed with ]"]),
    ("web1 a='b\n", ["bad.ini:1:1: error: Line not readable", "close the quote"]),
])
def test_an_inventory_that_cannot_be_used(hosts: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.yml").write_text(PLAY)
    Path("bad.ini").write_text(hosts)
    assert_told(said(capsys, "apply", "-i", "bad.ini", "site.yml"), 4, *words)


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["aply"], 5, ["There is no command 'aply'; did you mean 'apply'?"]),
    (["apply", "--limt", "x", "site.yml"], 5, ["No such option '--limt'", "'--limit'"]),
    (["apply", "-i", "hosts.ini"], 5, ["Missing argument 'PLAYBOOK...'"]),
    (["apply", "-i", "hosts.ini", "sit.yml"], 4, ["`sit.yml` does not exist", "did you mean `site.yml`?"]),
    (["apply", "-i", "host.ini", "site.yml"], 4, ["`host.ini` does not exist", "did you mean `hosts.ini`?"]),
    (["apply", "-i", "hosts.ini", "-l", "heer", "site.yml"], 5, ["matches none of the 1 hosts", "`here`?"]),
    (["apply", "-i", "hosts.ini", "-e", "x", "site.yml"], 5, ["`x` is not name=value"]),
    (["apply", "-i", "hosts.ini", "-e", "@nope.yml", "site.yml"], 4, ["-e @nope.yml", "`nope.yml` does not exist"]),
    (["apply", "-i", "hosts.ini", "-e", "@vault.yml", "site.yml"], 4, ["vault.yml:1:1", "text is damaged"]),
    (["doc", "copi"], 5, ["there is no module 'copi'", "did you mean `copy`?"]),
    (["doc", "docker_container"], 5, ["is known from Ansible, but provision does not have it", "--list"]),
    (["inventory", "-i", "hosts.ini", "--host", "heer"], 5, ["no host 'heer'", "did you mean `here`?"]),
])
def test_a_command_line_that_cannot_be_used(arguments: list[str], code: int, words: list[str],
                                            capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.yml").write_text(f"{PLAY}    - ping:\n")
    Path("vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    assert_told(said(capsys, *arguments), code, *words)


def test_a_pattern_that_matches_nothing_is_a_warning_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.yml").write_text("- hosts: wbe\n  tasks: []\n")
    assert_told(said(capsys, "apply", "-i", "hosts.ini", "site.yml"), 0,
                "[WARNING]: site.yml:1:3: Pattern matches no host: `wbe` is no host or group of the inventory "
                "(did you mean `web`?)", "skipping: no hosts matched")
    Path("site.yml").write_text("- hosts: web\n  gather_facts: false\n  tasks: []\n")
    assert_told(said(capsys, "apply", "-i", "hosts.ini", "-l", "here,heer", "site.yml"), 0,
                "[WARNING]: Pattern matches no host: `heer`", "(`--limit here,heer`)", "did you mean `here`?")


def test_templates_that_cannot_be_read_are_told_before_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    task = "    - debug:\n        msg: '{{ a | uper }}'\n      when: false\n      tags: x\n"
    Path("site.yml").write_text(PLAY + task)
    assert_told(said(capsys, "apply", "-i", "hosts.ini", "-t", "y,x", "site.yml"), 0,
                "[WARNING]: site.yml:6:14: Template cannot be read: Unknown filter `uper` (did you mean `upper`?)",
                "[WARNING]: Unknown tag: no task has the tag `y`")
    assert_told(said(capsys, "apply", "-i", "hosts.ini", "--syntax-check", "site.yml"), 4,
                "site.yml:6:14: error: Template cannot be read", "Unknown filter `uper`")


def test_warnings_of_files_keep_their_hints(capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.yml").write_text(f"{PLAY}    - debug:\n      when: '{{{{ n == 3 }}}}'\n")
    assert_told(said(capsys, "apply", "-i", "hosts.ini", "site.yml"), 0,
                "[WARNING]: site.yml:6:13: Braces around a condition: `when` is an expression already (")
