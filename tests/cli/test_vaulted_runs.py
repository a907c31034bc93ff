"""Runs whose files are encrypted: everything is opened where it is used, and nothing of it is ever shown."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest
from vault_vectors import DEV_PASSWORD, FILE_1_2, PASSWORD, VALUE_1_1, VALUE_1_2

from provisioner.cli.main import main
from provisioner.vault import cipher
from provisioner.vault.keyring import Keyring
from provisioner.vault.keyring import Password as Key

KEY = Key("default", PASSWORD.encode())
PASSWORDS = ("--vault-password-file", "pw", "--vault-id", "dev@dev")
HEAD = "- hosts: all\n  gather_facts: false\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, text in (("pw", PASSWORD), ("dev", DEV_PASSWORD), ("hosts", "h ansible_connection=local\n")):
        Path(name).write_text(text)
        Path(name).chmod(0o600)


def write(name: str, text: str, *, encrypted: bool = False) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    data = textwrap.dedent(text).encode()
    Path(name).write_bytes(Keyring().encrypt(data, KEY) if encrypted else data)


def tasks(text: str, play: str = "") -> None:
    body = textwrap.indent(textwrap.dedent(text), "    ")
    write("site.yml", HEAD + textwrap.indent(play, "  ") + "  tasks:\n" + body)


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.all = out + err


def run(capsys: pytest.CaptureFixture[str], *more: str, passwords: tuple[str, ...] = PASSWORDS) -> Said:
    code = main(["apply", "-i", "hosts", "site.yml", *passwords, *more])
    shown = capsys.readouterr()
    return Said(code, shown.out, shown.err)


# -- values ------------------------------------------------------------------------------------------------------


def test_values_of_several_ids_are_used_and_not_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write("vars.yml", VALUE_1_1 + VALUE_1_2)
    tasks(f"""\
        - copy: {{content: "{{{{ db_password }}}} {{{{ api_token }}}}\\n", dest: {tmp_path}/out}}
        - debug: msg="{{{{ db_password }}}}"
        - command: echo {{{{ db_password | b64encode }}}} {{{{ api_token }}}}
          register: said
        - debug: var=said
        - fail: msg="the password is {{{{ db_password }}}}"
          ignore_errors: true
        - set_fact: {{copied: "{{{{ [db_password] }}}}"}}
        - debug: var=copied
        - assert: {{that: ["db_password == 'inline-s3cret'", "api_token is defined"]}}
        """, "vars_files: vars.yml\n")
    for options in (("-vvv", "--diff"), ("--json", "--diff")):
        Path("out").unlink(missing_ok=True)
        said = run(capsys, *options)
        assert said.code == 0, said.all
        assert Path("out").read_text() == "inline-s3cret tok-{{ not a template }}\n"
        for secret in ("inline-s3cret", "aW5saW5lLXMzY3JldA", "not a template"):
            assert secret not in said.all
        assert "********" in said.out


def test_only_the_password_of_what_is_used_is_needed(capsys: pytest.CaptureFixture[str],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[bytes] = []
    derive = cipher.derive

    def noted(password: bytes, salt: bytes) -> cipher.Keys:
        derived.append(salt)
        return derive(password, salt)

    monkeypatch.setattr(cipher, "derive", noted)
    values = [f"v{number}: !vault |\n" + textwrap.indent(Keyring().encrypt(b"secret %d" % number, KEY).decode(), "  ")
              for number in range(5)]
    derived.clear()
    write("vars.yml", VALUE_1_2 + "".join(values))
    tasks("""\
        - debug: msg="{{ v3 }}"
        - debug: msg="{{ v3 }} again"
        """, "vars_files: vars.yml\n")
    said = run(capsys, passwords=("--vault-password-file", "pw"))
    assert said.code == 0, said.all
    assert len(derived) == 1


@pytest.mark.parametrize(("passwords", "words"), [
    ((), ["vars.yml:1:14: This is encrypted by the vault, and no vault password was given", "-J"]),
    (("--vault-id", "prod@dev"), ["vars.yml:1:14: No vault password opens this", "`prod` (--vault-id prod@dev)"]),
])
def test_a_value_that_cannot_be_opened_fails_its_task_with_the_place(
        passwords: tuple[str, ...], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write("vars.yml", VALUE_1_1)
    tasks("""\
        - debug: msg=before
        - debug: msg="{{ db_password }}"
        """, "vars_files: vars.yml\n")
    said = run(capsys, passwords=passwords)
    assert said.code == 2
    assert "ok: [h]" in said.out
    for word in words:
        assert word in said.all


def test_a_value_that_is_no_envelope_is_told_at_load(capsys: pytest.CaptureFixture[str]) -> None:
    tasks("- debug: {msg: !vault abc}\n")
    said = run(capsys)
    assert said.code == 4
    assert "site.yml:4:20: error: Wrong value" in said.err
    assert "encrypt-string" in said.err


def test_connection_variables_may_be_encrypted(capsys: pytest.CaptureFixture[str]) -> None:
    local = textwrap.indent(Keyring().encrypt(b"local", KEY).decode(), "  ")
    write("host_vars/h.yml", f"ansible_connection: !vault |\n{local}")
    write("hosts", "h\n")
    tasks("- command: echo reached\n")
    said = run(capsys, "-v")
    assert said.code == 0, said.all


def test_names_out_of_encrypted_files_name_things(capsys: pytest.CaptureFixture[str]) -> None:
    write("names.yml", """\
        target: all
        file: more
        role: some-role
        group: some-group
        new_host: some-host
        user: root
        """, encrypted=True)
    write("more.yml", "- set_fact: {included: true}\n")
    write("vars/more.yml", "included_vars: true\n")
    write("roles/some-role/tasks/main.yml", "- set_fact: {role_ran: true}\n")
    write("site.yml", """\
        - hosts: "{{ target }}"
          gather_facts: false
          vars_files: "vars/{{ file }}.yml"
          tasks:
            - include_tasks: "{{ file }}.yml"
            - import_tasks: "{{ file }}.yml"
            - include_vars: "{{ file }}.yml"
            - include_role: {name: "{{ role }}"}
            - group_by: {key: "{{ group }}"}
            - add_host: {name: "{{ new_host }}", groups: ["{{ group }}"]}
            - command: whoami
              become: true
              become_user: "{{ user }}"
              delegate_to: "{{ inventory_hostname }}"
            - assert: {that: [included, role_ran, included_vars, "groups['some-group'] | length == 2"]}
        """)
    said = run(capsys, "-e", "@names.yml")
    assert said.code == 0, said.all
    assert "some-" not in said.out.replace("roles/some-role", "")


# -- whole files -------------------------------------------------------------------------------------------------


def test_every_kind_of_file_may_be_encrypted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write("hosts", "[all]\nh ansible_connection=local from_inventory=inventory-secret\n", encrypted=True)
    write("group_vars/all.yml", "from_group: group-secret\nnested: {list: [nested-secret]}\nport: 8080\n",
          encrypted=True)
    write("host_vars/h.yml", "from_host: 'host-secret of {{ from_group }}'\n", encrypted=True)
    write("extra.yml", "from_extra: extra-secret\n", encrypted=True)
    write("more.yml", "from_include: include-secret\n", encrypted=True)
    write("roles/r/defaults/main.yml", "from_defaults: defaults-secret\n", encrypted=True)
    write("roles/r/tasks/main.yml", "- set_fact: {role_ran: '{{ from_defaults }}'}\n", encrypted=True)
    write("tasks.yml", "- set_fact: {tasks_ran: true}\n", encrypted=True)
    write("templates/t.j2", "template-secret {{ port + 1 }}\n", encrypted=True)
    write("files/f", "lookup-secret\n", encrypted=True)
    write("site.yml", HEAD + textwrap.dedent(f"""\
        roles: [r]
        vars_files: vars.yml
        tasks:
          - include_tasks: tasks.yml
          - include_vars: more.yml
          - template: {{src: t.j2, dest: {tmp_path}/t}}
          - copy:
              dest: {tmp_path}/all
              content: |
                {{{{ from_inventory }}}} {{{{ nested.list[0] }}}} {{{{ from_host }}}} {{{{ from_extra }}}}
                {{{{ from_include }}}} {{{{ role_ran }}}} {{{{ tasks_ran }}}} {{{{ from_vars_file }}}}
                {{{{ lookup('file', 'f') }}}} {{{{ lookup('unvault', 'f') }}}}{{{{ lookup('template', 't.j2') }}}}
          - debug: var=hostvars[inventory_hostname].nested
          - debug: var=vars.from_host
          - debug: msg="port {{{{ port }}}}"
        """).replace("\n", "\n  ").rstrip().replace("roles:", "  roles:", 1) + "\n", encrypted=True)
    write("vars.yml", "from_vars_file: vars-secret\n", encrypted=True)
    said = run(capsys, "-vvv", "--diff", "-e", "@extra.yml")
    assert said.code == 0, said.all
    assert Path("t").read_text() == "template-secret 8081\n"
    assert Path("all").read_text() == (
        "inventory-secret nested-secret host-secret of group-secret extra-secret\n"
        "include-secret defaults-secret True vars-secret\n"
        "lookup-secret lookup-secret\ntemplate-secret 8081\n")
    assert "-secret" not in said.all
    assert '"msg": "port 8080"' in said.out


def test_files_for_hosts_arrive_decrypted_and_stay_out_of_the_diff(capsys: pytest.CaptureFixture[str],
                                                                   tmp_path: Path) -> None:
    write("files/key", "key-secret\n", encrypted=True)
    write("files/tree/a", "tree-secret\n", encrypted=True)
    write("files/tree/b", "plain\n")
    write("files/s.sh", "#!/bin/sh\necho script ran with $1\n", encrypted=True)
    tasks(f"""\
        - copy: {{src: key, dest: {tmp_path}/out}}
        - copy: {{src: key, dest: {tmp_path}/kept, decrypt: false}}
        - copy: {{src: tree/, dest: {tmp_path}/dir}}
        - script: s.sh me
          register: ran
        - assert: {{that: "'script ran with me' in ran.stdout"}}
        """)
    said = run(capsys, "--diff", "-vv")
    assert said.code == 0, said.all
    assert Path("out").read_text() == "key-secret\n"
    assert Path("kept").read_bytes() == Path("files/key").read_bytes()
    assert (Path("dir/a").read_text(), Path("dir/b").read_text()) == ("tree-secret\n", "plain\n")
    assert "-secret" not in said.all
    assert "ok=5    changed=4" in said.out
    assert "ok=5    changed=1" in run(capsys).out  # the script; the files are there


@pytest.mark.parametrize("option", ["--list-hosts", "--list-tasks", "--list-tags", "--syntax-check"])
def test_listing_needs_no_password_for_variables(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("vars.yml", VALUE_1_2)
    write("group_vars/all.yml", FILE_1_2)
    tasks("- debug: msg={{ api_token }}\n", "vars_files: vars.yml\n")
    assert run(capsys, option, passwords=()).code == 0


def test_a_run_tells_about_files_that_need_a_password_before_anything_is_done(
        capsys: pytest.CaptureFixture[str]) -> None:
    write("group_vars/all.yml", FILE_1_2)
    tasks("- debug: msg=x\n")
    said = run(capsys, passwords=())
    assert said.code == 4
    assert "group_vars/all.yml:1:1: error: File not readable" in said.err
    assert "--vault-id dev@FILE" in said.err
    assert "PLAY" not in said.out


def test_mistakes_in_an_encrypted_file_are_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    write("group_vars/all.yml", "a: 1\nb: {{ secret-text }}\n", encrypted=True)
    tasks("- debug: msg=x\n")
    said = run(capsys)
    assert said.code == 4
    assert "group_vars/all.yml:2:4: error: Template without quotes" in said.err
    assert "secret-text" not in said.err
    assert "provision vault edit" in said.err


def test_an_encrypted_file_for_a_host_that_cannot_be_opened_fails_the_task(
        capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write("files/key", FILE_1_2)
    tasks(f"- copy: {{src: key, dest: {tmp_path}/out}}\n")
    said = run(capsys, passwords=("--vault-password-file", "pw"))
    assert said.code == 2
    assert "files/key:1:1: No vault password opens this" in said.out
    assert not Path("out").exists()


def test_a_password_file_that_others_can_read_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    tasks("- debug: msg=x\n")
    Path("pw").chmod(0o644)
    said = run(capsys)
    assert said.code == 0
    assert "[WARNING]: the vault password file pw is open to every user" in said.err


# -- the inventory -----------------------------------------------------------------------------------------------


def test_the_inventory_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    write("group_vars/all.yml", FILE_1_2)
    write("host_vars/h.yml", VALUE_1_1)
    assert main(["inventory", "-i", "hosts", "--graph"]) == 0
    assert main(["inventory", "-i", "hosts", "--list"]) == 4
    capsys.readouterr()
    for arguments in (["--list"], ["--host", "h"], ["--graph", "--vars"]):
        assert main(["inventory", "-i", "hosts", *arguments, *PASSWORDS]) == 0
        shown = capsys.readouterr().out
        assert "8080" in shown
        for secret in ("s3cret", "12345678", "postgres"):
            assert secret not in shown
        if "--graph" not in arguments:  # what ansible-inventory gives for a value that is tagged
            assert "$ANSIBLE_VAULT;1.1;AES256" in shown
