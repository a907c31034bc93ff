"""`plugin: constructed`."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.app import expressions
from provisioner.diag import InputError
from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import Inventory
from provisioner.template.templar import Templar
from provisioner.values import HostName

HOSTS = """
[web]
w1 tier=front os=debian tags='["a", "b"]' zone=''
w2 tier=front os=alma
"""


def construct(tmp_path: Path, text: str) -> Inventory:
    (tmp_path / "1.ini").write_text(HOSTS)
    (tmp_path / "2.yml").write_text(f"plugin: constructed\n{text}")
    (tmp_path / "group_vars").mkdir(exist_ok=True)
    (tmp_path / "group_vars" / "web.yml").write_text("region: fra1\n")
    return load_inventory([str(tmp_path)], evaluate=expressions(Templar()))


def test_variables_are_composed_and_later_groups_see_them(tmp_path: Path) -> None:
    text = "compose: {label: tier ~ '-' ~ os, none: nothing.x}\ngroups: {debians: label == 'front-debian'}\n"
    found = construct(tmp_path, text)
    assert found.host_table[HostName("w1")]["label"] == "front-debian"
    assert "none" not in found.host_table[HostName("w1")]
    assert found.groups["debians"] == ["w1"]


@pytest.mark.parametrize(("entry", "groups"), [
    ("{prefix: os, key: os}", {"os_debian": ["w1"], "os_alma": ["w2"]}),
    ("{key: os}", {"_debian": ["w1"], "_alma": ["w2"]}),
    ('{key: os, separator: ""}', {"debian": ["w1"], "alma": ["w2"]}),
    ("{prefix: t, key: \"tags | default([])\"}", {"t_a": ["w1"], "t_b": ["w1"]}),
    ("{prefix: m, key: \"{'os': os}\"}", {"m_os_debian": ["w1"], "m_os_alma": ["w2"]}),
    ("{prefix: z, key: zone | default(''), default_value: no ne}", {"z_no_ne": ["w1", "w2"]}),
    ("{prefix: os, key: os, parent_group: systems}", {"systems": ["w1", "w2"]}),
    ("{prefix: z, key: \"{'zone': ''}\", trailing_separator: false}", {"z_zone": ["w1", "w2"]}),
])
def test_groups_are_named_by_values(tmp_path: Path, entry: str, groups: dict[str, list[str]]) -> None:
    found = construct(tmp_path, f"keyed_groups: [{entry}]\n")
    assert {name: found.groups.get(name) for name in groups} == groups


def test_no_separator_leads_if_that_is_wanted(tmp_path: Path) -> None:
    assert construct(tmp_path, "leading_separator: false\nkeyed_groups: [{key: os}]\n").groups["debian"] == ["w1"]


def test_files_of_variables_are_seen_on_request(tmp_path: Path) -> None:
    text = "groups: {inside: region == 'fra1'}\n"
    assert "inside" not in construct(tmp_path, text).groups
    assert construct(tmp_path, f"use_vars_plugins: true\n{text}").groups["inside"] == ["w1", "w2"]


@pytest.mark.parametrize(("text", "told"), [
    ("strict: true\ncompose: {a: nothing}\n", "`compose: a` for the host `w1`"),
    ("strict: true\nkeyed_groups: [{key: zone | default('')}]\n", "is empty for the host `w1`"),
    ("keyed_group: []\n", "did you mean `keyed_groups`?"),
    ("keyed_groups: [{ky: a}]\n", "did you mean `key`?"),
])
def test_mistakes_are_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        construct(tmp_path, text)
    assert told in str(error.value)
