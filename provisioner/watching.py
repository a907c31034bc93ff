"""The watch list as plays: one more task for hosts of the playbooks, behind all others and in the same sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provisioner.drift.watchlist import SINCE_APPLY, Settings, Watch
from provisioner.history.surveys import MODULE, PURPOSE
from provisioner.inventory.model import Inventory
from provisioner.lang.model import Become, Play, Playbook, Task
from provisioner.values import HostName

_NAME: Final = "Watch list"
_ALWAYS: Final = frozenset({"always"})


def watch_plays(watches: Sequence[Watch], playbooks: Sequence[Playbook], inventory: Inventory, *,
                check: bool) -> tuple[Playbook, ...]:  # fmt: skip
    """check: everything is looked at; after an apply only what later checks are compared with."""
    plays = [play for playbook in playbooks for play in playbook.plays]
    wanted = [watch if check else replace(watch, what=_kept(watch.what)) for watch in watches]
    made = [*_of_known_hosts(wanted, plays, inventory), *_of_later_hosts(wanted, plays, inventory)]
    return (Playbook(tuple(made), watches[0].span.file),) if made else ()


def _kept(what: Mapping[str, Settings]) -> Mapping[str, Settings]:
    return {name: settings for name, settings in what.items() if name in SINCE_APPLY}


@dataclass(slots=True)
class _Group:
    """Hosts that have the same last play and the same list."""

    play: Play
    watch: Watch
    hosts: list[HostName] = field(default_factory=list)


def _of_known_hosts(watches: Sequence[Watch], plays: Sequence[Play], inventory: Inventory) -> Iterator[Play]:
    """As the last play that has the host becomes, so that its session is used again."""
    last = {host: number for number, play in enumerate(plays) if _is_plain(play.hosts)
            for host in inventory.hosts(play.hosts)}  # fmt: skip
    groups: dict[str, _Group] = {}
    for host, number in last.items():
        mine = [watch for watch in watches if host in inventory.hosts(watch.hosts)]
        if merged := _merged(mine):
            group = groups.setdefault(f"{number} {merged}", _Group(plays[number], merged))
            group.hosts.append(host)
    for group in groups.values():
        yield _play(group.play, group.watch, list(group.hosts))


def _of_later_hosts(watches: Sequence[Watch], plays: Sequence[Play], inventory: Inventory) -> Iterator[Play]:
    """For plays whose hosts are only known when they begin."""
    for play in plays:
        if _is_plain(play.hosts) and inventory.hosts(play.hosts):
            continue
        for watch in watches:
            for name in watch.hosts if watch.what else ():
                pattern = [name]
                if _is_plain(play.hosts):
                    pattern = [*([play.hosts] if isinstance(play.hosts, str) else play.hosts), f"&{name}"]
                yield _play(play, watch, pattern)


def _merged(watches: Sequence[Watch]) -> Watch | None:
    """All that entries say about a host; of two settings of the same watch the later."""
    what = {name: settings for watch in watches for name, settings in watch.what.items()}
    if not what:
        return None
    become = next((watch.become for watch in reversed(watches) if watch.become is not None), None)
    return replace(watches[0], what=what, become=become)


def _is_plain(hosts: Any) -> bool:
    return isinstance(hosts, str) or (isinstance(hosts, (list, tuple)) and all(isinstance(each, str) for each in hosts))


def _play(play: Play, watch: Watch, hosts: Sequence[str]) -> Play:
    become = play.template.become if play.template else Become()
    if watch.become is not None:
        become = replace(become, enabled=watch.become)
    args = {"purpose": PURPOSE, "watches": {name: dict(settings) for name, settings in watch.what.items()}}
    like = play.template or Task(MODULE, {}, watch.span)
    task = Task(MODULE, args, watch.span, _NAME, file=watch.span.file, tags=_ALWAYS, become=become,
                connection=like.connection, remote_user=like.remote_user, port=like.port,
                environment=like.environment, vars=like.vars)  # fmt: skip
    title = f"{play.name}: {_NAME.lower()}" if isinstance(play.name, str) else _NAME
    return Play(list(hosts), watch.span, title, file=watch.span.file, gather_facts=False, tasks=(task,),
                vars=play.vars, vars_files=play.vars_files, used_roles=play.used_roles, tags=_ALWAYS,
                ignore_unreachable=play.ignore_unreachable, template=task)  # fmt: skip
