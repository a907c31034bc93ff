"""Magic variables: what every task may read about the run, its host and its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from provisioner.template.lazy import LiveMapping
from provisioner.values import OMIT, Value
from provisioner.vars.scope import Scope, ScopeView

#: Names that facts, `set_fact` and `register` cannot give another meaning.
MAGIC_NAMES = frozenset({
    "inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars", "vars", "omit",
    "play_hosts", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "ansible_play_name",
    "ansible_play_role_names", "ansible_role_names", "ansible_dependent_role_names", "ansible_role_name",
    "ansible_collection_name", "ansible_parent_role_names", "ansible_parent_role_paths", "role_name",
    "role_names", "role_path", "role_uuid", "playbook_dir", "inventory_dir", "inventory_file",
    "inventory_sources", "ansible_inventory_sources", "ansible_playbook_python", "ansible_config_file",
    "ansible_check_mode", "ansible_diff_mode", "ansible_forks", "ansible_limit", "ansible_run_tags",
    "ansible_skip_tags", "ansible_verbosity", "ansible_version", "ansible_search_path", "ansible_facts",
    "ansible_local", "ansible_delegated_vars", "environment", "lookup", "query", "q", "now",
})

#: The language level that playbooks may ask for with `ansible_version`.
LANGUAGE_VERSION: Mapping[str, Value] = {
    "full": "2.19.0", "string": "2.19.0", "major": 2, "minor": 19, "revision": 0,
}

MANAGED = "Ansible managed"
"""The words of Ansible: hosts that it set up before must not differ in every file."""


class HostVars(LiveMapping):
    """`hostvars`: each host's variables, rendered when they are read. Scopes are made once each."""

    __slots__ = ("_hosts", "_scope_of", "_views")

    def __init__(self, hosts: Sequence[str], scope_of: Callable[[str], Scope]) -> None:
        """scope_of: the scope of a host without task variables; called at most once a host."""
        self._hosts = tuple(hosts)
        self._scope_of = scope_of
        self._views: dict[str, ScopeView] = {}

    def __getitem__(self, host: str) -> ScopeView:
        if host not in self._views:
            if host not in self._hosts:
                raise KeyError(host)
            self._views[host] = ScopeView(self._scope_of(host), frozenset({"hostvars", "omit"}))  # not without end
        return self._views[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def __contains__(self, host: object) -> bool:
        return host in self._hosts


def host_variables(*, host: str, group_names: Sequence[str], groups: Mapping[str, Sequence[str]],
                   hostvars: Mapping[str, Any]) -> dict[str, Value]:
    """What a task reads about its host and the inventory. `group_names` without `all`, sorted."""
    return {
        "inventory_hostname": host,
        "inventory_hostname_short": host.split(".", 1)[0],
        "group_names": list(group_names),
        "groups": {name: list(hosts) for name, hosts in groups.items()},
        "hostvars": hostvars,
    }


def run_variables(*, check: bool, diff: bool, verbosity: int = 0, forks: int = 5, limit: str | None = None,
                  run_tags: Sequence[str] = ("all",), skip_tags: Sequence[str] = (), python: str = "",
                  inventory_dir: str | None = None, inventory_file: str | None = None,
                  inventory_sources: Sequence[str] = ()) -> dict[str, Value]:
    """What a task reads about the run."""
    return {
        "omit": OMIT,
        "ansible_check_mode": check,
        "ansible_diff_mode": diff,
        "ansible_verbosity": verbosity,
        "ansible_forks": forks,
        **({"ansible_limit": limit} if limit is not None else {}),
        "ansible_run_tags": list(run_tags),
        "ansible_skip_tags": list(skip_tags),
        "ansible_version": dict(LANGUAGE_VERSION),
        "ansible_playbook_python": python,
        "inventory_dir": inventory_dir,
        "inventory_file": inventory_file,
        "ansible_inventory_sources": list(inventory_sources),
    }


def play_variables(*, name: str, playbook_dir: str, hosts_all: Sequence[str], hosts: Sequence[str],
                   batch: Sequence[str], role_names: Sequence[str] = (),
                   dependencies: Sequence[str] = ()) -> dict[str, Value]:
    """What a task reads about its play. hosts: of the play and not failed; batch: those of them in this one.

    role_names: without those that are there as dependencies of others.
    """
    return {
        "ansible_play_name": name,
        "playbook_dir": playbook_dir,
        "ansible_play_hosts_all": list(hosts_all),
        "ansible_play_hosts": list(hosts),
        "ansible_play_batch": list(batch),
        "play_hosts": list(batch),
        "ansible_play_role_names": list(role_names),
        "role_names": list(role_names),
        "ansible_dependent_role_names": list(dependencies),
        "ansible_role_names": list(dict.fromkeys([*dependencies, *role_names])),
        "environment": [],
    }


def role_variables(*, name: str, path: str, parents: Sequence[tuple[str, str]] = ()) -> dict[str, Value]:
    """What a task reads about the role it stands in; parents are (name, path), nearest first, of one that a role
    includes or imports."""
    own: dict[str, Value] = {"role_name": name, "ansible_role_name": name, "role_path": path}
    if parents:
        own["ansible_parent_role_names"] = [parent for parent, _ in parents]
        own["ansible_parent_role_paths"] = [where for _, where in parents]
    return own


def search_path(*, playbook_dir: str, task_dir: str = "", role_path: str = "",
                parent_paths: Sequence[str] = ()) -> list[str]:
    """`ansible_search_path`: the role, the roles that depend on it, the task's directory, the playbook's."""
    found = [role_path, *parent_paths, task_dir, playbook_dir]
    return [path for index, path in enumerate(found) if path and path not in found[:index]]


def default_variables(host: str, managed: str = "") -> dict[str, Value]:
    """Names with a default that the user may replace; the lowest layer of all. A host without an address is reached by
    its name. managed: the setting `ansible_managed`."""
    return {"ansible_managed": managed or MANAGED, "ansible_host": host}
