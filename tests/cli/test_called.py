from __future__ import annotations

import pytest

from provisioner.cli.called import called, masked


@pytest.mark.parametrize(("line", "recorded"), [
    (["apply", "site.yml", "-l", "web", "-i", "hosts.ini"], None),
    (["apply", "-e", "a=1 pw=hunter22", "x.yml"], ["apply", "-e", "a=******** pw=********", "x.yml"]),
    (["apply", "-epw=hunter22"], ["apply", "-epw=********"]),
    (["apply", "-be", "pw=hunter22"], ["apply", "-be", "pw=********"]),
    (["apply", "--extra-vars", '{"pw": "hunter22"}'], ["apply", "--extra-vars", "********"]),
    (["apply", "--extra-vars=pw=hunter22"], ["apply", "--extra-vars=pw=********"]),
    (["apply", "-e", "pw: hunter22"], ["apply", "-e", "********"]),
    (["apply", "-e", "@vars.yml", "-e@more.yml"], None),
    (["apply", "-lweb-e", "x", "-ione,two"], None),
    (["apply", "-e"], None),
    (["app", "env", "set", "shop", "STRIPE=hunter22", "EMPTY="], ["app", "env", "set", "shop", "STRIPE=********",
                                                                 "EMPTY=********"]),
    (["app", "exec", "shop", "--", "login", "-p", "hunter22"], ["app", "exec", "shop", "--", "********", "********",
                                                               "********"]),
])  # fmt: skip
def test_names_are_recorded_and_values_are_not(line: list[str], recorded: list[str] | None) -> None:
    assert list(masked(line)) == (recorded or line)


def test_outside_of_a_command_there_is_no_command_line() -> None:
    assert called() == ()
