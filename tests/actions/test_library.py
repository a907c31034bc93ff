"""Modules of the user's own, from the playbook to a process of their own on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.library import archive, find_library, folders_of, style_of
from provisioner.cli.main import main
from provisioner.remote.shim.parsing import camel_dict_to_snake_dict

pytestmark = pytest.mark.timeout(180)

HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"
FILE = '''#!/usr/bin/python
"""Keeps a word in a file."""
from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils._text import to_native
from ansible.module_utils.six import string_types, iteritems
from ansible.module_utils.six.moves import shlex_quote
from ansible.module_utils.six.moves.urllib.parse import urlparse
from ansible.module_utils.common.text.converters import to_bytes
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.module_utils.site.words import louder
import os


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type='path', required=True, aliases=['dest']),
            word=dict(type='str', default='hi'),
            token=dict(type='str', no_log=True),
            state=dict(choices=['present', 'absent'], default='present'),
            loud=dict(type='bool', default=False),
        ),
        mutually_exclusive=[['word', 'token']] if False else None,
        required_if=[('state', 'absent', ['path'])],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    p = module.params
    word = louder(p['word']) if p['loud'] else p['word']
    there = os.path.exists(p['path']) and open(p['path']).read() == word
    if not there and not module.check_mode:
        temporary = os.path.join(module.tmpdir, 'x')
        with open(temporary, 'wb') as f:
            f.write(to_bytes(word))
        module.atomic_move(temporary, p['path'])
    changed = not there
    if os.path.exists(p['path']):
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(p), changed)
    rc, out, err = module.run_command(['echo', 'said', p['token'] or ''], check_rc=True)
    module.warn('be careful')
    module.exit_json(changed=changed, said=out, host=urlparse('http://a/b').netloc, argv=len(os.sys.argv),
                     path=p['path'], quoted=shlex_quote('a b'), yes=boolean('yes'), text=isinstance(u'', string_types),
                     diff=dict(before='', after=word))


if __name__ == '__main__':
    main()
'''
FILES = {
    "library/keep_word.py": FILE,
    "module_utils/site/words.py": "def louder(text):\n    return text.upper()\n",
    "roles/web/library/of_role.py": "#!/usr/bin/python\nfrom ansible.module_utils.basic import *\n"
                                    "def main():\n    module = AnsibleModule(argument_spec={})\n"
                                    "    raise RuntimeError('broken')\nmain()\n",
    "roles/web/tasks/main.yml": "- of_role:\n  register: r\n  ignore_errors: true\n"
                                "- copy: {content: '{{ r | to_json }}', dest: '{{ out }}'}\n",
    "library/shellish": "#!/bin/sh\n# WANT_JSON\n"
                        "echo \"{\\\"changed\\\": true, \\\"given\\\": $(cat $1)}\"\n",
    "library/oldish": "#!/bin/sh\n. $1\necho '{\"changed\": false, \"name\": \"'$name'\"}'\n",
}

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    work = tmp_path / "work"
    work.mkdir(mode=0o755)
    monkeypatch.chdir(work)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, text in FILES.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def running(tasks: str, *arguments: str, roles: str = "") -> int:
        (work / "site.yml").write_text(HEAD.replace("  tasks:\n", f"  {roles}\n") if roles else HEAD + tasks)
        return main(["apply", "site.yml", "-i", "h1,", "-c", "local", *arguments])

    return running


def results(told: str) -> list[dict[str, Any]]:
    lines = map(json.loads, told.splitlines())
    return [line["result"] for line in lines if line["type"] == "result"]


def test_a_module_written_for_ansible_runs_as_it_is(run: Run, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    task = f"    - keep_word: dest={tmp_path}/f word=hey loud=yes token=hush77 mode=0640\n"
    assert run(task, "--json") == 0
    out = capsys.readouterr().out
    (result,) = results(out)
    assert (tmp_path / "f").read_text() == "HEY"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
    assert result["changed"] is True
    assert (result["host"], result["quoted"], result["yes"], result["text"]) == ("a", "'a b'", True, True)
    assert (result["said"], result["argv"]) == ("said ********\n", 1)
    assert result["warnings"] == ["be careful"]
    assert "hush77" not in out
    assert run(task, "--json") == 0
    assert results(capsys.readouterr().out)[0]["changed"] is False


def test_check_mode_is_handed_on(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"    - keep_word: {{path: {tmp_path}/f}}\n", "--check", "--json") == 0
    assert results(capsys.readouterr().out)[0]["changed"] is True
    assert not (tmp_path / "f").exists()


def test_wrong_arguments_are_told_in_ansibles_words(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = "    - keep_word: {path: a, wrd: a}\n      ignore_errors: true\n    - keep_word: {path: /x, state: gone}\n"
    assert run(tasks, "--json") == 2
    first, second = results(capsys.readouterr().out)
    assert first["msg"].startswith("Unsupported parameters for (keep_word) module: wrd. Supported parameters include")
    assert second["msg"] == "value of state must be one of: present, absent, got: gone"


def test_a_module_that_breaks_says_how(run: Run, tmp_path: Path) -> None:
    assert run("", "-e", f"out={tmp_path}/role.json", roles="roles: [web]") == 0
    told = json.loads((tmp_path / "role.json").read_text())
    assert told["failed"]
    assert told["msg"].endswith("RuntimeError: broken")
    assert "Traceback" in told["module_stderr"]


def test_modules_in_other_languages_get_their_arguments_in_a_file(run: Run,
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    assert run("    - shellish: {a: 1, b: [x]}\n    - oldish: name=jo\n", "--json") == 0
    given, old = results(capsys.readouterr().out)
    assert given["given"] == {"a": 1, "b": ["x"], "_ansible_check_mode": False, "_ansible_diff": False,
                              "_ansible_module_name": "shellish", "_ansible_verbosity": 0}
    assert (given["changed"], old["changed"], old["name"]) == (True, False, "jo")


def test_the_first_folder_wins_and_what_is_no_module_is_none(tmp_path: Path) -> None:
    for name in ("a/library/x.py", "b/library/x.py", "b/library/sub/y.py", "b/library/README.md", "b/library/_z.py",
                 "b/module_utils/m/n.py", "c/w"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_library([tmp_path / "a", tmp_path / "b"], [tmp_path / "c"])
    assert found.modules == {"x": tmp_path / "a/library/x.py", "y": tmp_path / "b/library/sub/y.py",
                             "w": tmp_path / "c/w"}
    assert found.utils == {"m/n.py": tmp_path / "b/module_utils/m/n.py"}
    assert found.info("nobody") is None


def test_roles_beside_the_playbook_and_in_the_roles_path_are_looked_into(tmp_path: Path) -> None:
    for name in ("roles/one", "shelf/two", "three/tasks", "group_vars"):
        (tmp_path / name).mkdir(parents=True)
    assert folders_of([str(tmp_path / "site.yml")], [str(tmp_path / "shelf")]) == [
        tmp_path, tmp_path / "roles/one", tmp_path / "shelf/two", tmp_path / "three"]


def test_directories_of_imported_playbooks_are_looked_into_too(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "site.yml").write_text("- import_playbook: sub/a.yml\n- name: x\n  import_playbook: '{{ later }}'\n")
    (tmp_path / "sub/a.yml").write_text("- ansible.builtin.import_playbook: '../site.yml'\n- import_playbook: no.yml\n")
    assert folders_of([str(tmp_path / "site.yml")], []) == [tmp_path, tmp_path / "sub"]


@pytest.mark.parametrize(("data", "style"), [
    (b"from ansible.module_utils.basic import AnsibleModule", "python"), (b"#!/bin/sh\n# WANT_JSON\n", "json"),
    (b"\x7fELF\0\0", "json"), (b"#!/usr/bin/perl\n", "text")])
def test_how_a_module_takes_arguments_is_seen_in_its_text(data: bytes, style: str) -> None:
    assert style_of(data) == style


def test_the_same_files_make_the_same_archive() -> None:
    first, second = (archive(b"x = 1\n", {"a/b.py": b""}) for _ in range(2))
    assert first == second
    assert len(first) < 32 << 10, "rides inside the task's frame"


@pytest.mark.parametrize(("given", "options", "made"), [
    ({"TOPKey": {"NESTEDKey": "Value"}}, {}, {"top_key": {"nested_key": "Value"}}),
    ({"IAMUser": "x", "ids": [{"ARNs": []}]}, {"reversible": True}, {"i_a_m_user": "x", "ids": [{"a_r_ns": []}]}),
    ({"Tags": {"Keep": 1}, "A": {"Tags": {"Not": 1}}}, {"ignore_list": ["Tags"]},
     {"tags": {"Keep": 1}, "a": {"tags": {"not": 1}}}),
])  # fmt: skip
def test_names_of_dictionaries_are_rewritten_as_modules_for_clouds_want_it(
    given: dict[str, object], options: dict[str, Any], made: dict[str, object]
) -> None:
    assert camel_dict_to_snake_dict(given, **options) == made
