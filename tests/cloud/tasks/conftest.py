"""Tasks at clouds, as an action is given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from provisioner.values import HostName


@dataclass
class Call:
    """What `Driving` gives to the tasks at a cloud."""

    args: Mapping[str, Any]
    host: HostName = HostName("localhost")
    check: bool = False
    diff: bool = True
    environment: Mapping[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def progress(self, text: str) -> None:
        self.told.append(text)

    def warn(self, message: str) -> None:
        self.told.append(message)


def ask(module: ModuleType, *, check: bool = False, environment: Mapping[str, Any] | None = None,
        **args: Any) -> dict[str, Any]:
    """The result of one task on one host."""
    call = Call(args, check=check, environment=environment or {})
    result: dict[str, Any] = module.run_batch([call])[call.host]
    return result
