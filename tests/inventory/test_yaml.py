"""YAML inventories."""

from __future__ import annotations

import pytest

from provisioner.values import HostName, Template
from tests.inventory.conftest import Files


def test_groups_children_and_variables(files: Files) -> None:
    inventory = files.yaml("""
        all:
          hosts:
            lone: {ansible_host: 10.0.0.1}
          vars: {x: "{{ y }}"}
          children:
            prod:
              children:
                web:
                  hosts:
                    w[1:2]: {n: 1}
                    h:2222:
                db: {hosts: d1, vars: {z: no}}
            empty:
        top:
          hosts: {w1: {m: 2}}
    """)
    assert inventory.groups["prod"] == ["w1", "w2", "h", "d1"]
    assert inventory.groups["all"] == ["lone", "w1", "w2", "h", "d1"]
    assert dict(inventory.host_table[HostName("w1")]) == {"n": 1, "m": 2}
    assert inventory.host_table[HostName("h")] == {"ansible_port": 2222}
    assert isinstance(inventory.group_table["all"].vars["x"], Template)
    assert inventory.group_table["db"].vars == {"z": False}
    assert inventory.groups["empty"] == []
    assert inventory.groups_of(HostName("w1")) == ["prod", "top", "web"]


#: A wrong file → (line, column, words) of each mistake.
WRONG: dict[str, list[tuple[int, int, str]]] = {
    "- web\n": [(1, 1, "a mapping of groups")],
    "web: [a]\n": [(1, 6, "must be a mapping")],
    "web: {hosts: [a]}\n": [(1, 14, "write each host as `name:`")],
    "web: {host: {a: }}\n": [(1, 7, "did you mean `hosts`")],
    "web: {hosts: {a: 5}}\n": [(1, 18, "must be a mapping, not the number 5")],
    "web: {vars: [a]}\n": [(1, 13, "`vars` must be a mapping")],
    "web: {children: [a]}\n": [(1, 17, "write each as `name:`")],
    "a: {children: {b: {children: {a: }}}}\n": [(1, 31, "a → b → a")],
    "web: {hosts: {'a b': }}\n": [(1, 15, "cannot be a host")],
    "web: {hosts: {'h[3:1]': }}\n": [(1, 15, "ends before it starts")],
    "plugin: aws_ec2\n": [(1, 9, "there are: constructed, lab, machines")],
    "a: {{ x }}\n": [(1, 4, "quote it")],
    "a: [" * 100: [(1, 129, "Nested too deeply")],
}


@pytest.mark.parametrize("text", WRONG)
def test_each_mistake_is_told_where_it_is(text: str, files: Files) -> None:
    found = files.mistakes("hosts.yml", text)
    assert [(item.span.line, item.span.column) for item in found if item.span] == [entry[:2] for entry in WRONG[text]]
    for item, (_, _, words) in zip(found, WRONG[text], strict=True):
        assert words in str(item)
