from __future__ import annotations

from provisioner.messages import Target
from provisioner.transport.pool import SessionPool
from provisioner.values import HostName, Secret


def pool() -> SessionPool:
    return SessionPool(lambda event: None)


def test_eight_connections_at_once_pass_the_gate_of_a_jump_host() -> None:
    made = pool()
    gate = made.gate("bastion")
    assert made.gate("bastion") is gate
    assert made.gate("another") is not gate
    assert [gate.acquire(blocking=False) for _ in range(9)] == [True] * 8 + [False]


def test_every_field_of_a_target_tells_sessions_apart() -> None:
    made = pool()
    base = Target(HostName("web"), address="10.0.0.1", user="root", environment={"A": "1"})
    others = [
        Target(HostName("web"), address="10.0.0.1", user="root", environment={"A": "2"}),
        Target(HostName("web"), address="10.0.0.1", user="root", environment={"A": "1"}, password=Secret("x")),
        Target(HostName("web"), address="10.0.0.1", user="root", environment={"A": "1"}, key_files=("k",)),
    ]
    assert made.session(base) is made.session(Target(HostName("web"), address="10.0.0.1", user="root",
                                                     environment={"A": "1"}))
    assert len({id(made.session(target)) for target in (base, *others)}) == 4


def test_a_pool_that_opened_nothing_closes_at_once() -> None:
    made = pool()
    made.session(Target(HostName("web")))
    made.close()
