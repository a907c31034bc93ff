from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import InputError
from provisioner.drift.ignore import read_rules
from provisioner.drift.watchlist import read_watches

LIST = """
ignore: [{task: Motd, reason: known, until: 2026-12-31}]
watch:
  - hosts: web
    become: true
    what: [packages, disk: {below: 5 %}, files: {in: /etc/nginx}]
  - {hosts: [db, "cache-*"], what: [certificates: {days: 7, also: [/srv/x.pem]}]}
"""


def playbook(folder: Path, text: str) -> str:
    (folder / "drift.yml").write_text(text)
    return str(folder / "site.yml")


def test_entries_have_hosts_and_watches_with_their_settings(tmp_path: Path) -> None:
    path = playbook(tmp_path, LIST)
    first, second = read_watches([path, path])
    assert (first.hosts, first.become, first.span.line) == (("web",), True, 4)
    assert first.what == {"packages": {}, "disk": {"below": 5.0}, "files": {"in": ["/etc/nginx"]}}
    assert (second.hosts, second.become) == (("db", "cache-*"), None)
    assert second.what == {"certificates": {"days": 7.0, "also": ["/srv/x.pem"]}}
    assert len(read_rules(path)) == 1


@pytest.mark.parametrize("text", [None, "ignore: []", "watch: []"])
def test_without_entries_nothing_is_watched(tmp_path: Path, text: str | None) -> None:
    path = str(tmp_path / "site.yml") if text is None else playbook(tmp_path, text)
    assert read_watches([path]) == []


@pytest.mark.parametrize(("text", "told"), [
    ("watch: {}", "is a list of entries"), ("watch: [x]", "an entry is a mapping"),
    ("watch: [{host: a}]", "an entry has no `host`"), ("watch: [{hosts: a}]", "needs `hosts` and `what`"),
    ("watch: [{hosts: 'a:!b', what: [disk]}]", "a group or a shell pattern"),
    ("watch: [{hosts: a, what: disk}]", "is a list of watches"),
    ("watch: [{hosts: a, what: [disc]}]", "there is no watch `disc`"),
    ("watch: [{hosts: a, what: [disk: 5]}]", "are a mapping"),
    ("watch: [{hosts: a, what: [disk: {under: 5}]}]", "no setting `under`"),
    ("watch: [{hosts: a, what: [disk: {below: much}]}]", "is a number"),
    ("watch: [{hosts: a, what: [files]}]", "needs to know the directories"),
    ("watch: [{hosts: a, what: [files: {in: [etc]}]}]", "absolute paths"),
    ("watch: [{hosts: a, become: 2, what: [disk]}]", "true or false")])  # fmt: skip
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as raised:
        read_watches([playbook(tmp_path, text)])
    assert raised.value.span is not None
    assert (raised.value.span.file, raised.value.span.line) == (str(tmp_path / "drift.yml"), 1)
