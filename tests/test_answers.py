"""What the engine asks of the controller that no lookup asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.answers import ControllerAnswers, vars_file
from provisioner.diag import InputError
from provisioner.lang.load import Loader
from provisioner.messages import Ask
from provisioner.settings import Settings, by_ansibles_names
from provisioner.template.effects import Effect, EffectFailure


def test_a_file_of_variables_is_looked_for_in_vars_first(tmp_path: Path) -> None:
    (tmp_path / "vars").mkdir()
    for name, text in (("vars/a.yml", "where: vars"), ("a.yml", "where: beside"), ("b.yml", "where: b")):
        (tmp_path / name).write_text(text)
    playbook = str(tmp_path / "site.yml")
    assert vars_file(["a.yml"], playbook) == {"where": "vars"}
    assert vars_file(["none.yml", "b.yml"], playbook) == {"where": "b"}
    with pytest.raises(InputError, match=r"vars/none\.yml"):
        vars_file(["none.yml"], playbook)


def test_the_inventory_is_read_anew_when_a_play_asks_for_it() -> None:
    answers = ControllerAnswers(Loader(), lambda: "the inventory")
    assert answers.answer(Ask(1, Effect("refresh_inventory"))) == "the inventory"


def test_settings_are_told_by_ansibles_names() -> None:
    settings = by_ansibles_names(Settings(roles_path=("/srv/roles",)))
    answers = ControllerAnswers(Loader(), lambda: None, settings)
    asked = Effect("config", ("DEFAULT_ROLES_PATH", "DEFAULT_STRATEGY"))
    assert answers.answer(Ask(1, asked)) == [["/srv/roles"], "linear"]


@pytest.mark.parametrize(("name", "missing", "words"), [
    ("DEFAULT_ROLE_PATH", "error", "DEFAULT_ROLES_PATH"), (1337, "error", "not a string"),
    ("X", "boo", "must be a string"),
    ("X", "skip", ""), ("X", "warn", ""),
])
def test_a_setting_that_is_not_known(name: object, missing: str, words: str) -> None:
    answers = ControllerAnswers(Loader(), lambda: None, by_ansibles_names(Settings()))
    told = answers.answer(Ask(1, Effect("config", (name,), (("on_missing", missing),))))
    if words:
        assert isinstance(told, EffectFailure)
        assert words in told.message
    else:
        assert told == []
