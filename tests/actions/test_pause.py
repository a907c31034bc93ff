"""`pause` and `wait_for_connection`, which drive hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from provisioner.actions import pause, wait_for_connection
from provisioner.diag import HostKeyRejected, HostUnreachable
from provisioner.values import HostName


@dataclass
class Host:
    """What `Driving` gives these two actions; `answers` are what the host says to each ping."""

    args: Mapping[str, Any]
    host: HostName = HostName("h1")
    check: bool = False
    answers: list[Any] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def call(self, module: str, args: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        assert (module, dict(args)) == ("ping", {})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def progress(self, text: str) -> None:
        self.told.append(text)

    def warn(self, message: str) -> None:
        self.told.append(message)


def paused(*hosts: Host) -> Mapping[HostName, Mapping[str, Any]]:
    return pause.run_batch(hosts)  # type: ignore[arg-type]


def test_pauses_once_for_all_hosts() -> None:
    first, second = Host({"seconds": 0.05}), Host({"seconds": 0.05}, HostName("h2"))
    results = paused(first, second)
    assert set(results) == {"h1", "h2"}
    assert results[HostName("h1")]["stdout"] == "Paused for 0.05 seconds"
    assert results[HostName("h1")]["changed"] is False
    assert first.told
    assert not second.told


def test_minutes_are_sixty_seconds() -> None:
    assert paused(Host({"minutes": 0.001}))[HostName("h1")]["stdout"] == "Paused for 0.06 seconds"


def test_check_mode_does_not_wait() -> None:
    assert "Check mode" in paused(Host({"minutes": 60}, check=True))[HostName("h1")]["stdout"]


def test_where_there_is_no_terminal_nobody_is_waited_for() -> None:
    host = Host({"prompt": "Sure?"})
    result = paused(host)[HostName("h1")]
    assert result["user_input"] == ""
    assert "nobody is at a terminal" in host.told[0]


def waited(host: Host) -> Mapping[str, Any]:
    return wait_for_connection.run(host)  # type: ignore[arg-type]


def test_waits_until_the_host_answers() -> None:
    host = Host(
        {"sleep": 0}, answers=[HostUnreachable("refused"), {"failed": True, "msg": "not yet"}, {"ping": "pong"}]
    )
    assert waited(host) == {"changed": False, "elapsed": 0}
    assert [line.rpartition(": ")[2] for line in host.told] == ["refused", "not yet"]


def test_gives_up_after_its_time() -> None:
    result = waited(Host({"sleep": 5, "timeout": 1}, answers=[HostUnreachable("refused")]))
    assert result["failed"]
    assert "timed out waiting for the host" in result["msg"]
    assert "refused" in result["msg"]


def test_a_wrong_host_key_is_not_waited_for() -> None:
    with pytest.raises(HostKeyRejected):
        waited(Host({}, answers=[HostKeyRejected("changed")]))
