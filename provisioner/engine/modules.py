"""What the engine needs to know of modules and actions; the real table is `provisioner.actions.registry`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from provisioner.actions.base import Done, Expansion, HostWork
from provisioner.remote.spec import Spec


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """One module by its short name.

    expand: its controller half, if it is an expanding one. drives: its controller half drives hosts (`batch`:
    all of them together). on_host: there is a remote module. facts: its results may carry `ansible_facts`.
    delegates: of a driving one, its function of that name (`actions.base`). once: done by one host for all, as with
    `run_once`.
    """

    name: str
    spec: Spec | None
    expand: Callable[[Expansion], HostWork | Done] | None = None
    drives: bool = False
    batch: bool = False
    on_host: bool = True
    facts: bool = False
    delegates: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    once: bool = False


class Modules(Protocol):
    def get(self, name: str) -> ModuleInfo | None: ...


def arguments(spec: Spec | None, args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with the free form (`_raw_params`) under the name of the argument that takes it."""
    given = dict(args)
    if spec is not None and spec.free_form and "_raw_params" in given and spec.free_form != "_raw_params":
        given[spec.free_form] = given.pop("_raw_params")
    return given


def plain_name(name: str) -> str:
    """The short name of a module that is written with Ansible's own collection."""
    return name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
