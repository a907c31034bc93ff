"""Commands in an app's surroundings, and its logs: what they write goes out as live output."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.actions.base import Driving
from provisioner.diag import UsageError, near
from provisioner.nextjs.day2.gather import Result, Results, ask, needs_a_process, on_each


def execute(calls: Sequence[Driving], name: str | None, *, argv: Sequence[str], host: str | None) -> Results:
    """Run a command on one host (the first that has the app, unless `host` names another), or on `all`."""
    answers = ask(calls, name)
    needs_a_process(answers, "nothing of it but the files is there")
    able = answers.having(calls)
    if host is None:
        able = able[:1]
    elif host != "all":
        chosen = [call for call in able if call.host == host]
        if not chosen:
            raise UsageError(f"{host!r} is not a host of {answers.app}",
                             hint=near(host, [call.host for call in able]))  # fmt: skip
        able = chosen
    done = on_each(able, lambda call: call.call("nextjs_exec", {"name": answers.app, "argv": list(argv)}))
    rest: Results = {call.host: {"skipped": True, "changed": False} for call in calls if call.host not in done}
    return {**rest, **answers.others, **done}


def read_logs(
    calls: Sequence[Driving],
    name: str | None,
    *,
    lines: int,
    since: str | None,
    grep: str | None,
    follow: bool,
) -> Results:
    answers = ask(calls, name)
    needs_a_process(answers, "requests are in the web server's own log (nginx: /var/log/nginx/access.log)")

    def read(call: Driving) -> Result:
        given = {"name": answers.app, "lines": lines, "since": since, "grep": grep, "follow": follow}
        return call.call("nextjs_logs", {key: value for key, value in given.items() if value is not None})

    return {**answers.others, **on_each(answers.having(calls), read)}
