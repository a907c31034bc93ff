"""`vars_prompt` as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import InputError
from provisioner.lang.load import load_playbook
from provisioner.lang.model import Prompt
from provisioner.values import Template


def prompts(tmp_path: Path, text: str) -> tuple[Prompt, ...]:
    file = tmp_path / "site.yml"
    file.write_text(f"- hosts: all\n  vars_prompt:\n{text}")
    return load_playbook(file)[0].plays[0].vars_prompt


def test_a_prompt_is_unseen_and_asked_once_unless_it_says_otherwise(tmp_path: Path) -> None:
    first, second = prompts(tmp_path, """
    - name: release
      prompt: "Which of {{ names }}"
      default: stable
      private: no
    - {name: password, confirm: yes, encrypt: sha512_crypt, salt_size: 7, unsafe: yes}
""")
    assert (first.name, first.default, first.private, first.confirm) == ("release", "stable", False, False)
    assert isinstance(first.text, Template)
    assert (second.private, second.confirm, second.encrypt, second.salt_size) == (True, True, "sha512", 7)


@pytest.mark.parametrize(("text", "told"), [
    ("    - prompt: x\n", "a prompt must say which variable it sets"),
    ("    - {name: a, promt: x}\n", "did you mean `prompt`?"),
    ("    - {name: a, encrypt: md5_crypt}\n", "`encrypt: md5_crypt` is no hash that there is here"),
    ("    - {name: a b}\n", "`a b` cannot be used in a template"),
    ("    - just text\n", "must be a mapping"),
])
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        prompts(tmp_path, text)
    assert told in str(error.value)
    assert "site.yml:3" in str(error.value)
