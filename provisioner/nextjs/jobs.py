"""The units of an app's jobs: a service that follows the live release, and a timer."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator

from provisioner.nextjs.findings import Finding
from provisioner.nextjs.settings import Settings
from provisioner.nextjs.settings.cron import Job
from provisioner.nextjs.unit import hardening, memory_high, render
from provisioner.remote.nextjs import jobs
from provisioner.remote.nextjs.layout import Layout

SENT = "CRON_SECRET"  # the variable whose value is sent along, as the hosted platforms do

ENDING = 5  # seconds that a request gets to tell that it took too long


def units(settings: Settings, host: str) -> dict[str, str]:
    """File name -> text, of the jobs that `host` has."""
    return {name: text for job in settings.cron if job.is_on(host) for name, text in _units(settings, job)}


def without_a_host(settings: Settings, hosts: int) -> Iterator[Finding]:
    """Jobs that would run on each of several hosts although nobody said so."""
    for job in settings.cron:
        if job.host is None and hosts > 1:
            yield Finding(f"the job {job.name} runs on each of the {hosts} hosts",
                          "name one in its `host` (\"{{ groups.web[0] }}\"), or write `host: all`")  # fmt: skip


def _units(settings: Settings, job: Job) -> Iterator[tuple[str, str]]:
    layout = Layout(settings.name)
    unit = jobs.prefix(layout) + job.name
    common = {"marker": jobs.marker(layout), "job": job.name, "name": settings.name}
    yield f"{unit}.service", render("nextjs/job.service.j2", {
        **common, "user": settings.user, "root": layout.root,
        "home": posixpath.join(layout.current, settings.app or "").rstrip("/"), "node": layout.current_node,
        "env_file": layout.current_env, "credentials": sorted(settings.credentials),
        "credentials_folder": layout.current_credentials, "command": quoted(job.command or _request(settings, job)),
        "timeout": f"{job.timeout + (ENDING if job.path else 0):g}", "hardening": hardening(),
        "memory_max": settings.memory_max, "memory_high": memory_high(settings),
    })  # fmt: skip
    yield f"{unit}.timer", render("nextjs/job.timer.j2", {**common, "calendars": job.calendars})


def _request(settings: Settings, job: Job) -> str:
    """Asks the live release for the job's path. The secret goes through a pipe: arguments can be read by everybody."""
    origin = "http://127.0.0.1" if settings.in_slots else f"http://{settings.upstreams_of('')[0]}"
    domain = next((name for name in settings.domains if not name.startswith("*")), "localhost")
    encrypted: list[str] = []
    if settings.https is not None:
        # To the web server of this very host, whatever the name leads to: there is nobody between to be told from.
        origin, encrypted = f"https://{domain}", ["--connect-to", "::127.0.0.1:", "--insecure"]
    authorised = SENT in settings.env or SENT in settings.secrets
    words = ["curl", "--silent", "--show-error", "--max-time", f"{job.timeout:g}", "--output", "/dev/null",
             "--write-out", "%{http_code}", "--user-agent", "provision-cron", "--header", f"Host: {domain}",
             *encrypted, *(["--header", "@-"] if authorised else []), f"{origin}{job.path}"]  # fmt: skip
    asking = " ".join(map(shlex.quote, words))
    if authorised:
        asking = f'printf "Authorization: Bearer %s" "${SENT}" | {asking}'
    return f'status=$({asking}); echo "the answer has status $status"; [ "${{status#2}}" != "$status" ]'


def quoted(command: str) -> str:
    """One word in a line of a unit, which expands neither variables nor specifiers in it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("%", "%%"), ("$", "$$")):
        command = command.replace(plain, escaped)
    return f'"{command}"'
