"""A scheduled command as a service and a timer of systemd. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CHECKS: Final = frozenset({"drift", "plan"})
"""Commands that change nothing, neither on hosts nor on this machine."""

_SECTION: Final = re.compile(r"^\[X-Provision\]$\n^Schedule=(.*)$\n^Command=(.*)$", re.MULTILINE)
"""systemd passes over sections whose names begin with X-."""

_CONFINED: Final = (
    "NoNewPrivileges=yes", "PrivateTmp=yes", "ProtectSystem=strict", "ProtectHome=read-only",
    "ProtectControlGroups=yes", "ProtectKernelTunables=yes", "RestrictNamespaces=yes", "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes", "LockPersonality=yes", "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "KeyringMode=private",
)  # fmt: skip
_CONFINED_BY_ROOT: Final = (
    "PrivateDevices=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes", "ProtectClock=yes",
    "ProtectHostname=yes", "RemoveIPC=yes",
)  # fmt: skip
"""They drop capabilities, which a user's own systemd may not: there the service would end with 218."""
_READS: Final = "CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_SETUID CAP_SETGID"
"""What root needs to look at this machine's files and to become the users that plays name."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is run, and where. words: the command as it was typed, without the program.

    result: the file that is told how each run ended. environment: a file of variables, and of further ones that the
    user keeps. credentials: variable -> file of which the service sees a copy, whose path is in that variable.
    writable: directories that exist, the only ones that may be written to. delay, limit: in seconds.
    user: the login name for a timer of the whole machine, or nothing for one of the user's own.
    """

    name: str
    schedule: str
    calendars: tuple[str, ...]
    program: tuple[str, ...]
    words: tuple[str, ...]
    directory: str
    environment: tuple[str, ...]
    result: str
    credentials: tuple[tuple[str, str], ...] = ()
    writable: tuple[str, ...] = ()
    delay: int = 0
    limit: int = 1800
    user: str = ""

    @property
    def checks(self) -> bool:
        return carried_out(self.words)[0] in CHECKS


def service(job: Job) -> str:
    """The service's unit file."""
    return "\n".join([
        "[Unit]", f"Description={_plain(f'provision {shlex.join(job.words)}')}",
        *(["Wants=network-online.target", "After=network-online.target"] if job.user else []),
        "", "[Service]", "Type=oneshot", *([f"User={job.user}"] if job.user else []),
        f"ExecStart={' '.join(map(quoted, (*job.program, *job.words)))}",
        f"ExecStopPost={' '.join(map(quoted, _telling(job.result)))}",
        *(["SuccessExitStatus=2"] if told_by_code(job.words) else []),
        f"WorkingDirectory={_plain(job.directory)}", f"SyslogIdentifier=provision-{job.name}",
        *(f"EnvironmentFile={_plain(file)}" for file in job.environment),
        *(f"LoadCredential={name}:{_plain(file)}" for name, file in job.credentials),
        *(f"Environment={name}=%d/{name}" for name, _ in job.credentials),
        "# Hosts that hang are given up one by one long before; this is the end for everything else.",
        f"TimeoutStartSec={job.limit}", "TimeoutStopSec=60",
        "Nice=5", "UMask=0077", *_confined(job), "",
    ])  # fmt: skip


def timer(job: Job, unit: str) -> str:
    """The timer's unit file. unit: the service's name with its suffix."""
    return "\n".join([
        "[Unit]", f"Description={_plain(f'provision {job.words[0]}, {job.schedule}')}",
        "", "[Timer]", *(f"OnCalendar={line}" for line in job.calendars),
        "Persistent=yes", "AccuracySec=1s",
        *([f"RandomizedDelaySec={job.delay}", "FixedRandomDelay=yes"] if job.delay else []),
        f"Unit={unit}", "", "[Install]", "WantedBy=timers.target",
        "", "[X-Provision]", f"Schedule={_plain(job.schedule)}", f"Command={_plain(json.dumps(job.words))}", "",
    ])  # fmt: skip


def described(text: str) -> tuple[str, tuple[str, ...]] | None:
    """(schedule, words of the command) of a timer that `timer` has made; None for any other."""
    found = _SECTION.search(text)
    if found is None:
        return None
    schedule, command = (part.replace("%%", "%") for part in found.groups())
    return schedule, tuple(json.loads(command))


def environment(variables: Mapping[str, str]) -> str:
    """An `EnvironmentFile=`. No value may have a line break."""
    escaped = {name: re.sub(r'(["\\$`])', r"\\\1", value) for name, value in sorted(variables.items())}
    return "".join(f'{name}="{value}"\n' for name, value in escaped.items())


def told_by_code(words: Sequence[str]) -> bool:
    """Whether exit code 2 of the command is a finding and no failure."""
    words = carried_out(words)
    return words[0] == "drift" or (words[0] == "plan" and "--detailed-exitcode" in words)


def carried_out(words: Sequence[str]) -> Sequence[str]:
    """The words of the command itself: of a pull, what stands behind its options, which are one word each, and the
    address."""
    if words[0] != "pull":
        return words
    address = next(place for place, word in enumerate(words) if place and not word.startswith("-"))
    return words[address + 1:]


def quoted(word: str) -> str:
    """A word of a command line, as systemd reads it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = escaped.replace("\n", "\\n").replace("\t", "\\t")
    return escaped if re.fullmatch(r"[\w@%+=:,./$-]+", escaped) else f'"{escaped}"'


def _plain(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")


def _telling(file: str) -> tuple[str, ...]:
    """Writes how the run ended; systemd itself forgets it at the next boot. Renamed: readers see all of it."""
    script = 'printf "%s %s %s\\n" "$SERVICE_RESULT" "$EXIT_STATUS" "$(date +%s)" > "$1.new" && mv -f "$1.new" "$1"'
    return "/bin/sh", "-c", script, "sh", file


def _confined(job: Job) -> Iterator[str]:
    """A check may write nothing but its own records; an apply may have this machine among its hosts."""
    if not job.checks:
        return
    yield from _CONFINED
    yield from (f"ReadWritePaths={_path(directory)}" for directory in job.writable)
    if job.user:
        yield from _CONFINED_BY_ROOT
        yield f"CapabilityBoundingSet={_READS if job.user == 'root' else ''}"


def _path(directory: str) -> str:
    escaped = _plain(directory).replace("\\", "\\\\").replace('"', '\\"')
    return f'"-{escaped}"'
