from __future__ import annotations

import json
import re

from provisioner.drift.findings import PENDING, UNKNOWN
from provisioner.drift.telling import as_json, lines, message, metrics
from provisioner.events import TaskRef
from provisioner.ui.colours import plain
from provisioner.values import HostName
from tests.drift.examples import H2, MOTD, check, finding

EVIL = "x\x1b]52;c\n\"\\"
SAMPLE = re.compile(r'\w+\{(\w+="(\\[\\"n]|[^"\\\n])*",?)+\} [0-9.]+')


def test_a_finding_is_told_with_its_place_its_diff_and_since_when() -> None:
    text = "\n".join(lines(check(finding(first_seen=0.0, last_seen=60.0, applied=0.0, reason="why")), [], plain))
    for part in ("drifted: h1  Motd", "play Web, site.yml:3, seen since 1970-01-01 00:00:00 UTC, applied 1970-01-01",
                 "  why", "  -x", "  +y", "h1: 1 drifted", "h2: in sync", "2 hosts checked: 1 drifted"):  # fmt: skip
        assert part in text


def test_metrics_have_every_kind_of_every_host_in_prometheus_text_format() -> None:
    text = metrics(check(finding(), finding(PENDING, host=H2), finding(UNKNOWN, host=HostName(EVIL))), EVIL, 12.5)
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) == 3 * 4 + 1
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []
    assert text.endswith("12.500\n")
    assert text.count("# TYPE") == 2


def test_json_is_versioned_and_holds_no_hash_of_what_is_wanted() -> None:
    data = as_json(check(finding(resource=MOTD)), [finding(host=H2)], ["site.yml"], "4711")
    assert (data["v"], data["exit_code"]) == (1, 2)
    assert data["counts"] == {"drifted": 1, "pending": 0, "unmanaged": 0, "unknown": 0}
    assert data["findings"][0]["resource"] == {"module": "copy", "name": MOTD.name}
    assert '"aa"' not in json.dumps(data)
    assert data["ignored"][0]["host"] == "h2"


def test_a_message_is_short_and_has_no_diff() -> None:
    text = message(check(*[finding(name=f"t{number}") for number in range(50)]), "shop")
    assert text.startswith("shop: 2 hosts checked: 50 drifted\n• drifted: h1  t0\n")
    assert text.endswith("… and 30 more")


def test_hostile_text_is_shown_escaped() -> None:
    evil = finding(host=HostName(EVIL), reason=EVIL)
    evil = type(evil)(HostName(EVIL), EVIL, TaskRef("1", EVIL, "x", EVIL), EVIL, "drifted", EVIL)
    for text in ("\n".join(lines(check(evil), [], plain)), message(check(evil), EVIL)):
        assert "\x1b" not in text
        assert "\\x1b]52;c" in text
