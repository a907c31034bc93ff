"""Enrolment as a run uses it, on booted hosts with the real cloud-init."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.cloud.model import Ref, Wanted
from provisioner.enrol.enrol import ConsoleSilent
from provisioner.enrol.enroller import SiteEnroller
from provisioner.enrol.hostca import CAPlace
from tests.enrol.conftest import PLACE, QUICK, Controller, Machine, OneMachine


def test_an_image_that_prints_no_keys_gets_a_throw_away_key_when_its_machine_is_made_anew(
    boot: Callable[..., Machine], controller: Controller, tmp_path: Path
) -> None:
    wanted = Wanted(Ref("machine", "web-1"), PLACE, {"image": "quiet"}, host=controller.settings())
    told: list[str] = []
    enroller = SiteEnroller(CAPlace("shop", tmp_path / "ca"), told.append, controller.site.key_files,
                            replace(QUICK, console=1.0))
    provider: Any = OneMachine()
    provider.user_data_limit = 16_384
    first = enroller.fresh(wanted, provider)
    assert first.note == {}
    machine = boot("i-0abc", first.user_data)
    with pytest.raises(ConsoleSilent, match="shows no host keys") as refused:
        enroller.host(wanted, machine.found, provider, [first.note], lambda text: None)
    assert "--replace web-1" in str(refused.value.hint)
    assert "Accepted" not in machine.sh("journalctl -u ssh -o cat --no-pager")
    enroller.forget(machine.found)

    told.clear()
    second = enroller.fresh(wanted, provider)
    assert told == ["web-1 gets a throw-away host key: machines of quiet have shown none on their console"]
    anew = boot("i-0abd", second.user_data)
    variables = enroller.host(wanted, anew.found, provider, [second.note], lambda text: None)
    assert variables["ansible_host"] == anew.address
    assert enroller.known(wanted, anew.found) == variables

    for way, note in (("console", {}), ("inject", second.note.keys())):
        explicit = replace(wanted, host=controller.settings(host_keys=way))
        assert enroller.fresh(explicit, provider).note.keys() == set(note)
    other = replace(wanted, fields={"image": "debian-12"})
    assert enroller.fresh(other, provider).note == {}
