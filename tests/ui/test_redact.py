"""S1, S12: known secrets are masked in every string of an event, whatever wrote them down."""

from __future__ import annotations

import base64
import json
import shlex
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import pytest

from provisioner.events import HostStats, RunEnded, TaskRef, TaskResult, Warned
from provisioner.ui.redact import MASK, Redactor, mask
from provisioner.values import HostName, Secret

CANARY = "Kanari+3 'q\"u/\\o&té$%\tx"
TASK = TaskRef("1", "task", "command", "site.yml:3")


def encoded(before: str) -> str:
    return base64.b64encode((before + CANARY + "tail").encode()).decode()


FORMS = {
    "raw": CANARY,
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "base64 in longer data": encoded("u:"),
    "base64 at another offset": encoded("user"),
    "base64 at the third offset": encoded("use"),
    "base64 for URLs": base64.urlsafe_b64encode(CANARY.encode()).decode(),
    "URL": quote(CANARY, safe=""),
    "URL path": quote(CANARY),
    "URL form": quote_plus(CANARY),
    "JSON": json.dumps(CANARY),
    "JSON without escapes": json.dumps(CANARY, ensure_ascii=False),
    "shell": shlex.quote(CANARY),
    "shell, double quotes": "\"Kanari+3 'q\\\"u/\\\\o&té\\$%\tx\"",
    "Python": repr(CANARY),
    "hex": CANARY.encode().hex(),
    "reversed": CANARY[::-1],
}


def result(**data: object) -> TaskResult:
    return TaskResult(HostName("h"), TASK, "ok", data)


def knowing(*secrets: str) -> Redactor:
    redactor = Redactor()
    redactor.learn([Secret(secret) for secret in secrets])
    return redactor


@pytest.mark.parametrize("form", FORMS)
def test_a_canary_is_masked_in_every_form(form: str) -> None:
    text = knowing(CANARY).clean_text(f"before {FORMS[form]} after")
    assert MASK in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    for fragment in ("Kanari", "S2FuYXJp", "4b616e617269", "iranaK", "Fuacmk", "thbmFy"):
        assert fragment not in text


def test_each_line_of_a_secret_with_several_lines_is_masked() -> None:
    redactor = knowing("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n")
    cleaned = redactor.clean(result(stdout_lines=["x MIIEvQIBADANBg", "kqhkiG9w0BAQEF"], tac="FEQAB0w9GikhqK"))
    assert cleaned.result["stdout_lines"] == [f"x {MASK}", MASK]


def test_secrets_are_masked_at_every_depth_and_in_names() -> None:
    event = TaskResult(HostName("h"), TaskRef("1", "use s3cret", "command"), "ok",
                       {"a": [{"b": ("x-s3cret-y",)}], "s3cret": 1, "msg": "s3cret"})
    cleaned = knowing("s3cret").clean(event)
    assert cleaned.task.name == f"use {MASK}"
    assert cleaned.result == {"a": [{"b": (f"x-{MASK}-y",)}], MASK: 1, "msg": MASK}


def test_a_number_that_is_the_secret_is_masked_in_results_only() -> None:
    ended = RunEnded(0, {HostName("h"): HostStats(ok=12345)}, 12345.0)
    redactor = knowing("12345")
    assert redactor.clean(result(pin=12345, other=123456)).result == {"pin": MASK, "other": 123456}
    assert redactor.clean(ended) == ended


def test_a_secret_like_one_of_our_own_words_does_not_break_events() -> None:
    event = result(changed=True, msg="it has changed")
    cleaned = knowing("changed", "command").clean(event)
    assert cleaned.status == "ok"
    assert cleaned.task.module == "command"
    assert cleaned.result == {"changed": True, "msg": f"it has {MASK}"}


def test_short_secrets_are_not_masked() -> None:
    assert knowing("abc", "1", "").clean_text("abc 1") == "abc 1"
    assert knowing("abcd").clean_text("abcd") == MASK


def test_overlapping_secrets_leave_nothing_of_either() -> None:
    assert mask("xabcdefghix", ["abcdef", "defghi"]) == f"x{MASK}x"
    assert mask("hunter2000", ["hunter2", "hunter2000"]) == MASK
    assert mask("aaaa-aaaaaa", ["aaaa"]) == f"{MASK}-{MASK}"


@dataclass(frozen=True)
class Holder:
    inner: object


def test_learn_finds_secrets_in_any_structure() -> None:
    redactor = Redactor()
    redactor.learn({"a": [Holder((Secret("first-one"),)), {Secret("second-one")}], Secret("third-one"): 1})
    assert redactor.clean_text("first-one second-one third-one") == f"{MASK} {MASK} {MASK}"


def test_an_event_without_secrets_is_the_same_object() -> None:
    event = Warned("nothing here")
    assert Redactor().clean(event) is event
    assert knowing("s3cret").clean(event) is event


def test_without_known_secrets_nothing_is_walked() -> None:
    class Unwalkable(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]
            raise AssertionError

    event = TaskResult(HostName("h"), TASK, "ok", Unwalkable(a=1))
    assert Redactor().clean(event) is event


def test_surrounding_space_of_a_secret_does_not_matter() -> None:
    assert knowing("  s3cret\n").clean_text("[s3cret]") == f"[{MASK}]"


@pytest.mark.parametrize(("at", "moved"), [(3, 3), (4, 3), (8, 3), (9, 9), (0, 0)])
def test_a_cut_is_moved_in_front_of_a_secret(at: int, moved: int) -> None:
    assert knowing("s3cret").cut("123s3cret 0", at) == moved
