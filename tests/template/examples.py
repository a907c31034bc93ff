"""What the examples in docstrings of filters, tests and lookups may call: `evaluate("'a' | upper")`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from provisioner.effects import answer
from provisioner.template.effects import Effect, KnownEffects, NeedEffect
from provisioner.template.templar import Templar
from provisioner.values import Value
from provisioner.vars.scope import Scope

FILES = {
    "files/motd": "hello\n", "files/app.ini": "[web]\nport = 80\nname = shop\n",
    "files/users.csv": "ann,1001\nbob,1002\n",
    "templates/motd.j2": "welcome to {{ city }}\n", "apt.yml": "", "default.yml": "",
}  # fmt: skip


def evaluator(playbook: Path) -> Callable[..., Value]:
    """`evaluate(expression, variable=…)` beside a playbook with `FILES`; the controller answers what it asks for."""
    for name, text in FILES.items():
        path = playbook / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    templar = Templar()

    def evaluate(expression: str, **variables: Value) -> Value:
        known: dict[Effect, Value] = {}
        while True:
            try:
                return templar.evaluate(expression, Scope(templar, [("vars", variables)], KnownEffects(dict(known))))
            except NeedEffect as need:
                known[need.effect] = answer(need.effect, search_paths=[playbook])

    return evaluate
