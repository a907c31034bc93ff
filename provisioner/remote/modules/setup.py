"""Gathers facts about the host, under the names that Ansible gives them."""

from __future__ import annotations

import fnmatch
from importlib import import_module
from typing import Any, Iterable

from provisioner.remote.sdk import Ctx, ModuleFailed, Result
from provisioner.remote.spec import Arg, Arguments, Spec

FACTS = "provisioner.remote.facts."
LATER = (
    "provisioner.remote.facts.distribution", "provisioner.remote.facts.hardware", "provisioner.remote.facts.local",
    "provisioner.remote.facts.network", "provisioner.remote.facts.system", "provisioner.remote.facts.systemd",
    "provisioner.remote.facts.virtual",
)  # fmt: skip
"""Imported when asked for; named here so that they are sent together with this module."""
MINIMAL = ("system", "distribution", "local")
GROUPS = {name: (name,) for name in ("network", "hardware", "virtual", "systemd")}
PARTS = {
    **dict.fromkeys(("interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"),
                    "network"),
    **dict.fromkeys(("mounts", "devices", "processor", "memory", "dmi", "uptime"), "hardware"),
    **dict.fromkeys(("virtualization_type", "virtualization_role"), "virtual"),
    **dict.fromkeys(("distribution", "pkg_mgr", "service_mgr", "lsb", "os_family"), "distribution"),
    **dict.fromkeys(("platform", "user", "env", "date_time", "python", "dns", "cmdline", "selinux", "apparmor", "fips",
                     "ssh_pub_keys", "system", "loadavg", "caps", "system_capabilities", "chroot", "is_chroot"),
                    "system"),
    "local": "local",
}  # fmt: skip
FOREIGN = ("facter", "ohai")
"""Programs of others that Ansible can ask; accepted, and nothing is gathered for them."""

SPEC = Spec(
    name="setup",
    summary="Gather facts about a host",
    args={
        "gather_subset": Arg("list", elements="str", default=["all"],
                             doc="all, min, network, hardware, virtual, systemd or a part of them; `!` leaves one out"),
        "gather_timeout": Arg("int", default=10, doc="seconds one program that gives facts may take"),
        "filter": Arg("list", elements="str", default=[], doc="patterns of the names to give, like `ansible_mem*`"),
        "fact_path": Arg("path", default="/etc/ansible/facts.d", doc="directory of `*.fact` files"),
    },
    check="run",
    examples="""
- name: All facts
  setup:

- name: Only addresses
  setup:
    gather_subset: ["!all", "!min", network]
    filter: ansible_default_ipv4
""",
    returns={"ansible_facts": "the facts, each name beginning with `ansible_`"},
)


def run(ctx: Ctx, a: Arguments) -> Result:
    facts: "dict[str, Any]" = {"gather_subset": list(a.gather_subset)}
    for name in chosen(a.gather_subset):
        module = import_module(FACTS + name)
        if name == "local":
            facts.update(module.collect(ctx, ctx.expand(a.fact_path), a.gather_timeout))
        else:
            facts.update(module.collect(ctx))
    named = {"ansible_" + key: value for key, value in facts.items()}
    if a.filter:
        named = {key: value for key, value in named.items() if _wanted(key, a.filter)}
    return Result(ansible_facts=named)


def chosen(subset: "Iterable[str]") -> "list[str]":
    """The collectors that a `gather_subset` asks for. What is left out by `!` loses to what is named."""
    wanted, refused, minimal, everything = set(), set(), True, False
    only_refused = True
    for word in subset:
        name = word.lstrip("!")
        members = _members(name)
        if word.startswith("!"):
            minimal = minimal and name != "min"
            refused |= members if name not in ("all", "min") else set()
            if name == "all":
                refused |= {one for group in GROUPS.values() for one in group}
        else:
            only_refused = False
            everything = everything or name == "all"
            wanted |= members
    if everything or only_refused:
        wanted |= {one for group in GROUPS.values() for one in group} - refused
    if minimal:
        wanted |= set(MINIMAL) - (refused - wanted)
    order = [*MINIMAL, *(one for group in GROUPS.values() for one in group)]
    return [name for name in order if name in wanted]


def _members(name: str) -> "set[str]":
    if name in ("all", *FOREIGN):
        return set()
    if name == "min":
        return set(MINIMAL)
    if name in GROUPS:
        return set(GROUPS[name])
    if name in PARTS:
        return {PARTS[name]}
    known = ", ".join(["all", "min", *GROUPS, *sorted(PARTS)])
    raise ModuleFailed("there is no subset `%s` of facts; known are %s" % (name, known))


def _wanted(name: str, patterns: "list[str]") -> bool:
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name, "ansible_" + pattern) for pattern in patterns)
