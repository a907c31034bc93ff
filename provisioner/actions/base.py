"""The controller's half of a module: what an action file under `provisioner/actions/` may define.

A file `actions/<module>.py` has exactly one of

    def expand(call: Expansion) -> HostWork | Done      pure; runs in the engine, also for tasks looked at ahead
    def run(call: Driving) -> Mapping[str, Any]         drives one host: may block, read files, call the host often
    def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]
                                                        drives all hosts of the batch together (a deploy)

a driving one may have

    def delegates(args) -> Mapping[str, str]            argument -> the host it names, of the inventory, to work with

one that is for all hosts of the play, whichever does it, says `ONCE = True`,

and a `SPEC` when no remote module of that name has one. A module without an action file is sent to the host
with its arguments as they are.

`expand` must not touch files, the clock or anything else outside: it asks by `call.ask(Effect(...))`, which
either gives the answer or raises `NeedEffect`; the engine fetches the answer and expands again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from provisioner.events import Resource
from provisioner.lang.model import Task
from provisioner.messages import Become, Content, Target
from provisioner.values import Condition, HostName, Secret, Unknown, Value


@dataclass(frozen=True, slots=True)
class HostWork:
    """Send `module` to the host with `args`; `contents` are what the arguments' content references name."""

    module: str
    args: Mapping[str, Any]
    contents: tuple[Content, ...] = ()
    resource: Resource | None = None
    """Set by the engine, where runs are recorded."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result is known on the controller alone.

    variables: set on the host as `set_fact` does (precedence 19). included: as `include_vars` does (18).
    facts: merged into `ansible_facts` (`set_fact` with `cacheable`).
    """

    result: Mapping[str, Any]
    variables: Mapping[str, Value] = field(default_factory=dict)
    included: Mapping[str, Value] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)


class Expansion(Protocol):
    """What `expand` is given."""

    @property
    def task(self) -> Task: ...
    @property
    def host(self) -> HostName: ...
    @property
    def args(self) -> Mapping[str, Any]:
        """Rendered arguments, `omit`ted ones gone; may hold `Unknown` in check mode and `Secret`."""
        ...

    @property
    def check(self) -> bool: ...
    @property
    def diff(self) -> bool: ...
    @property
    def verbosity(self) -> int:
        """How many `-v` were given."""
        ...

    @property
    def managed(self) -> str:
        """The setting `ansible_managed`; empty where it is not set."""
        ...

    @property
    def search(self) -> tuple[str, ...]:
        """Directories where local files are looked for, in Ansible's order, without `files/` or `templates/`
        appended: the role's, its parents', the task file's, the playbook's."""
        ...

    def ask(self, effect: Any) -> Any:
        """The answer to an effect; raises NeedEffect when it is not known yet, TemplateError when it failed."""
        ...

    def render(self, value: Value) -> Value: ...
    def render_text(self, source: str, *, name: str, variables: Mapping[str, Any] | None = None,
                    options: Mapping[str, Any] | None = None) -> str | Unknown:
        """Render the text of a template file; `options` are Jinja's (`trim_blocks`, `variable_start_string` …)."""
        ...

    def condition(self, condition: Condition) -> bool | Unknown: ...
    def evaluate(self, expression: Condition) -> Value:
        """The value of a bare expression."""
        ...

    def show(self, expression: Condition) -> tuple[Value, list[str]]:
        """The same for people to look at: parts that cannot be had say so, and the list why."""
        ...

    def variable(self, name: str) -> Value:
        """A variable's rendered value; raises KeyError when there is none, TemplateError when it cannot be had."""
        ...


class Driving(Protocol):
    """What `run` and `run_batch` are given for each host. Safe to use from several threads."""

    @property
    def host(self) -> HostName: ...
    @property
    def args(self) -> Mapping[str, Any]: ...
    @property
    def check(self) -> bool: ...
    @property
    def diff(self) -> bool: ...
    @property
    def target(self) -> Target: ...
    @property
    def become(self) -> Become | None: ...
    @property
    def environment(self) -> Mapping[str, str | Secret]: ...
    @property
    def search(self) -> tuple[str, ...]: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def cache_dir(self) -> str:
        """A directory on the controller for things that may be thrown away (XDG cache)."""
        ...

    @property
    def state_dir(self) -> str:
        """The controller's state directory."""
        ...

    def call(self, module: str, args: Mapping[str, Any], *, become: Become | None = ...,
             contents: Sequence[Content] = (), timeout: float | None = None, check: bool | None = None,
             environment: Mapping[str, str | Secret] | None = None, sink: BinaryIO | None = None,
             on_text: Callable[[str, bytes], None] | None = None) -> dict[str, Any]:
        """Run a remote module on the host and wait for its result (which may say `failed` or `unknown`).

        Live output of the module goes to the console by itself. Raises HostUnreachable / HostFailed when there
        is no working connection. Predictions made in check mode are passed on to later calls.
        """
        ...

    def on_controller(self) -> Driving:
        """The same for work on this machine, as the user who runs the program. What it tells is told of this host."""
        ...

    def on_host(self, name: str) -> Driving | None:
        """The same for work on a host that `delegates` names, None unless it is outside of the play. What it tells is
        told of this host; without a connection its calls raise ProvisionError, as it is not this host that is lost."""
        ...

    def step(self, name: str, result: Mapping[str, Any], *, ms: float = 0.0) -> None:
        """Tell one visible step of the work; its status is read from the result."""
        ...

    def progress(self, text: str) -> None:
        """A line for the live area."""
        ...

    def warn(self, message: str) -> None: ...


def content_of(data: bytes) -> Content:
    """Content held in memory."""
    import hashlib  # noqa: PLC0415 - keeps the start of the program light

    return Content(hashlib.sha256(data).hexdigest(), len(data), data=data)
