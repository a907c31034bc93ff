"""`provision inventory` says the same as the real `ansible-inventory`. Slow: `scripts/test -m slow tests/inventory`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.tools import ANSIBLE, installed

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]

FILES = {
    "10-hosts.ini": """solo
[web]
w[1:3] tier=front os=debian
[db]
d1 tier=back os=alma tags='["a","b"]'
[prod:children]
web
db
[prod:vars]
region=fra1
ansible_group_priority=3
""",
    "20-more.yml": "lone: {hosts: {l1: {n: 5}}, vars: {deep: {a: [1, 2]}}}\nprod: {children: {lone: {}}}\n",
    "30-cloud": """#!/bin/sh
echo '{"cloud": {"hosts": ["c1", "c2"], "vars": {"cl": 1}, "children": ["sub"]}, "sub": {"hosts": ["s1"]},
       "empty": {"hosts": []}, "_meta": {"hostvars": {"c1": {"ansible_host": "10.0.0.1", "n": 1}}}}'
""",
    "90-constructed.yml": """plugin: ansible.builtin.constructed
compose: {label: tier ~ '-' ~ region, twice: n * 2}
groups: {fronts: tier == 'front', with-dash: inventory_hostname.startswith('w')}
keyed_groups:
  - {prefix: os, key: os}
  - {key: tier, separator: ""}
  - {prefix: tag, key: tags, parent_group: tagged}
  - {prefix: kv, key: "{'a': tier}"}
  - {prefix: d, key: nothing | default(''), default_value: none}
""",
    "group_vars/all.yml": "gv: 1\n",
    "group_vars/web.yml": "gw: '{{ gv }}'\n",
    "host_vars/w1/a.yml": "own: yes\n",
}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "inventory"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "30-cloud").chmod(0o755)
    return folder


def told(command: list[str], inventory: Path, *arguments: str) -> str:
    done = subprocess.run([*command, "-i", str(inventory), *arguments], capture_output=True, text=True, timeout=240,
                          check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def trusted(value: Any) -> Any:
    """Without the mark that ansible-inventory puts around texts which are no templates."""
    if isinstance(value, dict):
        return trusted(value["__ansible_unsafe"]) if set(value) == {"__ansible_unsafe"} else {
            key: trusted(item) for key, item in value.items()}
    return [trusted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("arguments", [["--list"], ["--host", "w1"], ["--host", "d1"], ["--host", "c1"], ["--graph"],
                                       ["--graph", "--vars"], ["--graph", "prod"], ["--list", "--export"],
                                       ["--list", "--limit", "web:l1"], ["--list", "--yaml"],
                                       ["--list", "--yaml", "--export"]], ids=" ".join)
def test_both_say_the_same(arguments: list[str], inventory: Path) -> None:
    real = told([str(installed(ANSIBLE) / "ansible-inventory")], inventory, *arguments)
    ours = told([sys.executable, "-m", "provisioner", "inventory"], inventory, *arguments)
    if "--graph" in arguments:
        assert ours == real
    elif "--yaml" in arguments:
        assert yaml.safe_load(ours) == yaml.safe_load(real)
    else:
        assert json.loads(ours) == trusted(json.loads(real))
