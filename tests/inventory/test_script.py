"""Inventories that programs print."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import InputError
from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import Inventory
from provisioner.values import HostName


def load(tmp_path: Path, body: str) -> Inventory:
    script = tmp_path / "cloud"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return load_inventory([str(script)])


def variables(inventory: Inventory, host: str) -> dict[str, object]:
    return {name: value for _, layer in inventory.host_layers(HostName(host)) for name, value in layer.items()}


def test_groups_hosts_and_variables_come_from_one_call(tmp_path: Path) -> None:
    found = load(tmp_path, """[ "$1" = --list ] || exit 9; cat <<'END'
{"web": {"hosts": ["w1", "w2"], "vars": {"a": "{{ 1 }}"}, "children": ["sub"]}, "sub": ["s1"], "alone": {"x": 1},
 "_meta": {"hostvars": {"w1": {"n": 1}}}}
END""")
    assert found.groups["web"] == ["w1", "w2", "s1"]
    assert variables(found, "w1") == {"a": "{{ 1 }}", "n": 1}
    assert variables(found, "s1") == {"a": "{{ 1 }}"}
    assert variables(found, "alone") == {"x": 1}


def test_without_meta_each_host_is_asked_for(tmp_path: Path) -> None:
    found = load(tmp_path, """[ "$1" != --list ] || exec /bin/echo '{"g": ["h1", "h2"]}'
echo "{\\"me\\": \\"$2\\"}\"""")
    assert [variables(found, host) for host in ("h1", "h2")] == [{"me": "h1"}, {"me": "h2"}]


@pytest.mark.parametrize(("body", "told"), [
    ("echo oops >&2; exit 3", "`--list` ended with 3: oops"),
    ("echo '{'", "`--list` printed no JSON"),
    ("echo '[]'", "must print a mapping of groups"),
    ("echo '{\"g\": 5}'", "the group `g` must be a mapping or a list of hosts"),
    ("echo '{\"g\": {\"hosts\": [\"h\"], \"vars\": 5}}'", "`vars` of the group `g` must be a mapping"),
])
def test_what_is_wrong_is_told(tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        load(tmp_path, body)
    assert told in str(error.value)


def test_programs_and_files_of_a_directory_come_together(tmp_path: Path) -> None:
    (tmp_path / "inv").mkdir()
    (tmp_path / "inv" / "1.ini").write_text("[web]\nw1 a=1\n")
    (tmp_path / "inv" / "2.toml").write_text('[db]\nhosts = ["d1"]\n[db.vars]\nb = "{{ a }}"\n'
                                             '[both]\nchildren = ["web", "db"]\n')
    script = tmp_path / "inv" / "3"
    script.write_text("#!/bin/sh\necho '{\"web\": [\"w2\"], \"_meta\": {\"hostvars\": {\"w1\": {\"a\": 2}}}}'\n")
    script.chmod(0o755)
    found = load_inventory([str(tmp_path / "inv")])
    assert found.groups["both"] == ["w1", "w2", "d1"]
    assert variables(found, "w1") == {"a": 1}, "the program has not named w1, so its variables do not count"
    assert str(variables(found, "d1")["b"]).startswith("Template")


def test_toml_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[web\n")
    with pytest.raises(InputError, match="Inventory not readable"):
        load_inventory([str(tmp_path / "a.toml")])


def test_a_limit_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("h1\nh3\n")
    found = load_inventory(["h1,h2,h3"])
    assert found.hosts("all", f"@{tmp_path / 'hosts'}") == ["h1", "h3"]
