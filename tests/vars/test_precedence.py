"""The documented order of variables, facts that cannot steer, and magic names."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from provisioner.lang.model import Role
from provisioner.template.templar import Templar
from provisioner.values import OMIT, Template, Value
from provisioner.vars.facts import inject
from provisioner.vars.magic import (
    HostVars,
    default_variables,
    host_variables,
    play_variables,
    role_variables,
    run_variables,
    search_path,
)
from provisioner.vars.precedence import LEVELS, Sources, assemble, role_layers
from provisioner.vars.scope import DATA_LABELS, Scope

TEMPLAR = Templar()


def filled(name: str, value: Value) -> Sources:
    """Sources whose one field `name` sets `x`."""
    empty = getattr(Sources(), name)
    labelled = {"role_defaults", "inventory", "vars_files", "role_vars", "role_params"}
    one: Value = {"x": value}
    if name in labelled:
        one = [(name, one)]
    elif empty == ():
        one = [one]
    return replace(Sources(), **{name: one})


@pytest.mark.parametrize("index", range(len(LEVELS) - 1))
def test_each_level_beats_the_one_below(index: int) -> None:
    low, high = LEVELS[index][0], LEVELS[index + 1][0]
    both = replace(filled(low, "low"), **{high: getattr(filled(high, "high"), high)})
    assert Scope(TEMPLAR, assemble(both)).get("x") == "high"
    assert Scope(TEMPLAR, assemble(filled(low, "low"))).get("x") == "low"


def test_the_levels_are_the_fields_in_order() -> None:
    assert [name for name, _ in LEVELS] == [field.name for field in fields(Sources)]


def test_layers_of_data_are_known_by_their_labels() -> None:
    assert {label for _, label in LEVELS} >= DATA_LABELS


def test_later_entries_of_a_level_win() -> None:
    sources = Sources(task_vars=[{"x": "block"}, {"x": "task"}], inventory=[("all", {"y": 1}), ("host", {"y": 2})])
    scope = Scope(TEMPLAR, assemble(sources))
    assert (scope.get("x"), scope.get("y")) == ("task", 2)


def test_a_task_sees_public_roles_its_own_and_those_that_depend_on_it() -> None:
    web = Role("web", "/r/web", {"x": "web"}, {"v": "web"}, {"p": "web"})
    lib = Role("lib", "/r/lib", {"x": "lib"}, {"v": "lib"}, {"p": "lib"}, parents=(web,))
    hidden = Role("hidden", "/r/hidden", {"x": "hidden"}, public=False)
    layers = role_layers([web, lib, hidden], lib)
    assert [label for label, _ in layers.defaults] == ["defaults of role web", "defaults of role lib"]
    assert [label for label, _ in layers.params] == ["parameters of role web", "parameters of role lib"]
    assert [variables["x"] for _, variables in role_layers([web], hidden).defaults] == ["web", "hidden"]
    assert role_layers([web]).params == ()


def test_a_role_sees_the_vars_of_its_dependencies_over_those_of_roles_that_depend_on_it() -> None:
    top = Role("top", "/r/top", {"d": "top"}, {"v": "top"})
    own = Role("own", "/r/own", parents=(top,), dependency=True)
    below = Role("below", "/r/below", {"d": "below"}, {"v": "below"}, parents=(own, top), dependency=True)
    other = Role("other", "/r/other", {"d": "other"}, {"v": "other"})
    layers = role_layers([below, own, top, other], own)
    assert [variables["v"] for _, variables in layers.vars] == ["other", "top", "below"]
    assert [variables["d"] for _, variables in layers.defaults] == ["other", "below", "top"]


def test_facts_are_seen_both_ways_and_stay_text() -> None:
    scope = Scope(TEMPLAR, [("facts", inject({"os_family": "{{ 1 + 1 }}", "ansible_hostname": "h"}).variables)])
    assert scope.get("ansible_os_family") == "{{ 1 + 1 }}"
    assert TEMPLAR.render(Template("{{ ansible_facts.hostname }}{{ ansible_hostname }}"), scope) == "hh"
    assert "ansible_hostname" not in inject({"hostname": "h"}, as_variables=False).variables


@pytest.mark.parametrize("name", [
    "ansible_connection", "connection", "become_pass", "ansible_become_password", "vars", "hostvars", "__class__",
    "ansible_user", "ansible_ssh_common_args", "ansible_python_interpreter", "groups", "a b", "ansible_host", "omit",
    "ansible_password", "ansible_facts", "inventory_hostname", "ansible_check_mode", "lookup",
])
def test_facts_that_would_steer_are_dropped_and_told(name: str) -> None:
    injected = inject({name: "x", "ansible_hostname": "h"})
    assert injected.dropped == (name,)
    assert injected.variables == {"ansible_facts": {"hostname": "h"}, "ansible_hostname": "h"}


@pytest.mark.parametrize("name", ["ssh_host_key_ed25519_public", "user_id", "env", "local", "date_time", "packages"])
def test_ordinary_facts_are_kept(name: str) -> None:
    assert inject({name: 1}).dropped == ()


def test_magic_variables_tell_about_host_play_role_and_run() -> None:
    scopes = {name: Scope(TEMPLAR, [("vars", {"ip": name, "url": Template("http://{{ ip }}")})]) for name in "ab"}
    hostvars = HostVars(["a", "b"], scopes.__getitem__)
    magic = {
        **run_variables(check=True, diff=False),
        **play_variables(name="P", playbook_dir="/p", hosts_all=["a", "b"], hosts=["a"], batch=["a"]),
        **host_variables(host="a.example", group_names=["web"], groups={"web": ("a", "b")}, hostvars=hostvars),
        **role_variables(name="r", path="/p/roles/r"),
    }
    scope = Scope(TEMPLAR, [("magic", magic), ("defaults", default_variables("web1"))])

    def render(source: str) -> Value:
        return TEMPLAR.render(Template(source), scope)

    assert render("{{ inventory_hostname_short }} {{ groups.web | join }} {{ ansible_check_mode }}") == "a ab True"
    assert render("{{ groups['web'] | map('extract', hostvars, 'url') }}") == ["http://a", "http://b"]
    assert render("{{ hostvars['c'].x | default('none') }}{{ 'c' in hostvars }}") == "noneFalse"
    assert render("{{ hostvars.b.nope is defined }}") is False
    assert render("{{ omit }}") is OMIT
    assert render("{{ ansible_version.full is version('2.14', '>=') }}") is True
    assert render("{{ ansible_managed | comment }}").startswith("#\n# Ansible managed")
    assert search_path(playbook_dir="/p", task_dir="/p/t", role_path="/p/r", parent_paths=["/p/q"]) == [
        "/p/r", "/p/q", "/p/t", "/p"]
