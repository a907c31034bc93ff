"""`--list-hosts`, `--list-tasks`, `--list-tags`, `--syntax-check`: what would run, in ansible-playbook's layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from provisioner import app
from provisioner.cli.options import RunOptions
from provisioner.diag import InputError
from provisioner.engine.foresight import unreadable
from provisioner.engine.tags import TagSelection
from provisioner.lang.model import Block, Include, Node, Play, Task
from provisioner.ui.escape import visible
from provisioner.values import Template


def listing(request: app.Request, options: RunOptions) -> str:
    """The text; raises `InputError` with the mistakes of all files, for a syntax check of templates too."""
    loaded = app.load(request, to_run=False)
    if options.syntax_check and (wrong := unreadable(loaded.playbooks, app.templar_of(loaded.plugins))):
        raise InputError([replace(item, severity="error") for item in wrong])
    selection = TagSelection(request.tags, request.skip_tags)
    lines: list[str] = []
    for playbook in loaded.playbooks:
        lines += ["", f"playbook: {visible(playbook.file)}"]
        if not (options.list_hosts or options.list_tasks or options.list_tags):
            continue
        for number, play in enumerate(playbook.plays, 1):
            pattern = _text(play.hosts)
            name = _text(play.name) if play.name is not None else pattern
            lines += ["", f"  play #{number} ({pattern}): {name}\tTAGS: [{_tags(play.tags)}]"]
            if options.list_hosts:
                lines += _hosts(loaded, play, request.limit)
            if options.list_tasks or options.list_tags:
                lines += _tasks(play, selection, options)
    return "\n".join([*lines, ""])


def _hosts(loaded: app.Loaded, play: Play, limit: str | None) -> Iterator[str]:
    pattern = [_text(part) for part in play.hosts] if isinstance(play.hosts, (list, tuple)) else [_text(play.hosts)]
    hosts = loaded.inventory.hosts(pattern, limit)
    yield f"    pattern: {pattern}"
    yield f"    hosts ({len(hosts)}):"
    for host in hosts:
        yield f"      {visible(host)}"


def _tasks(play: Play, selection: TagSelection, options: RunOptions) -> Iterator[str]:
    sections = (play.pre_tasks, play.roles, play.tasks, play.post_tasks)
    tasks = [task for section in sections for task in _flat(selection.select(section)) if not task.implicit]
    if options.list_tasks:
        yield "    tasks:"
        for task in tasks:
            yield f"      {_name(task)}\tTAGS: [{_tags(task.tags)}]"
    if options.list_tags:
        every = frozenset(tag for task in tasks for tag in task.tags)
        yield f"      TASK TAGS: [{_tags(every)}]"


def _flat(nodes: Sequence[Node]) -> Iterator[Task]:
    for node in nodes:
        match node:
            case Task():
                yield node
            case Include():
                yield node.task
            case Block():
                yield from _flat((*node.body, *node.rescue, *node.always))


def _name(task: Task) -> str:
    name = _text(task.name) if task.name is not None else task.module
    return f"{visible(task.role.name)} : {name}" if task.role else name


def _text(value: object) -> str:
    if isinstance(value, Template):
        return visible(value.source)
    if isinstance(value, (list, tuple)):
        return ",".join(map(_text, value))
    return visible(str(value))


def _tags(tags: Iterable[str]) -> str:
    return ", ".join(sorted(map(visible, tags)))
