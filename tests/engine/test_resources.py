from __future__ import annotations

from typing import Any

from provisioner.actions.base import HostWork
from provisioner.engine.resources import resource
from provisioner.events import Resource
from provisioner.remote.spec import Arg, Spec
from provisioner.values import Secret

SPEC = Spec("copy", "", {"dest": Arg(aliases=("path",)), "content": Arg(), "mode": Arg()}, identity=("dest",))


def made(args: dict[str, Any], *, where: str = "h1", key: bytes = b"k") -> Resource:
    return resource(where, SPEC, args, HostWork("copy", args), key)


def test_the_name_is_what_identifies_it_whatever_else_is_wanted() -> None:
    one, two = made({"dest": "/a", "mode": "1"}), made({"mode": "2", "path": "/a"})
    assert one.name == two.name == '{"dest": "/a"}'
    assert one.wanted != two.wanted


def test_what_is_wanted_does_not_depend_on_the_order_of_arguments() -> None:
    assert made({"dest": "/a", "mode": "1"}) == made({"mode": "1", "dest": "/a"})


def test_a_secret_counts_but_can_neither_be_read_nor_tried_out() -> None:
    one, two = (made({"dest": "/a", "content": Secret(text)}) for text in ("hunter22", "hunter23"))
    assert one.wanted != two.wanted
    assert one.wanted != made({"dest": "/a", "content": Secret("hunter22")}, key=b"other").wanted
    assert "hunter" not in repr(made({"dest": Secret("/hunter22")}))


def test_data_of_any_kind_is_taken() -> None:
    assert made({"dest": "/a", "content": {1: (2, {"x"}), "p": b""}}).wanted
