"""A playbook named by a relative path finds its files, and what lookups find is found again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SITE = """
- hosts: localhost
  connection: local
  gather_facts: false
  roles: [web]
"""
TASKS = """
- include_vars: "{{ item }}"
  with_first_found: [missing.yml, colour.yml]
- copy: {src: note, dest: "{{ playbook_dir }}/made"}
- template: {src: page.j2, dest: "{{ role_path }}/page"}
"""


def test_a_role_finds_its_files_from_a_relative_playbook(tmp_path: Path) -> None:
    role = tmp_path / "site" / "roles" / "web"
    for folder in ("tasks", "vars", "files", "templates"):
        (role / folder).mkdir(parents=True)
    (tmp_path / "site" / "site.yml").write_text(SITE)
    (role / "tasks" / "main.yml").write_text(TASKS)
    (role / "vars" / "colour.yml").write_text("colour: blue\n")
    (role / "files" / "note").write_text("a note\n")
    (role / "templates" / "page.j2").write_text("{{ colour }}\n")
    done = subprocess.run([sys.executable, "-m", "provisioner", "apply", "site/site.yml", "--state-dir", "state"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "made").read_text() == "a note\n"
    assert (role / "page").read_text() == "blue\n"
