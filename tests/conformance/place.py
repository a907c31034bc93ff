"""The directory in which one target runs: the tests, an inventory, the shim, the script that starts it."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote

from tests.conformance.yardstick import Target

PROJECT = Path(__file__).parents[2]

#: What these install on the controller is for Ansible itself.
CONTROLLER_ONLY = frozenset({"setup_passlib_controller"})

SHIM = """#!/bin/bash
# What a target calls ansible-playbook. Its standard output is kept too, as tasks are counted from it.
set -o pipefail
{program} "$@" | tee -a {log}
"""
OURS = "PYTHONPATH={project} {python} -m provisioner apply --no-history"

#: `ansible HOSTS -m MODULE -a ARGUMENTS`, in its directory: a play of one task, whose recap nobody counts.
SINGLE = """#!/bin/bash
pattern= module=command arguments= options=() play=$(mktemp .play-XXXXXX)
trap 'rm -f "$play"' EXIT
while [ $# -gt 0 ]; do
  case $1 in
    --version) PYTHONPATH={project} exec {python} -m provisioner --version ;;
    -m) module=$2; shift 2 ;;
    -a) arguments=$2; shift 2 ;;
    -i|-e|-c) options+=("$1" "$2"); shift 2 ;;
    -*) options+=("$1"); shift ;;
    *) pattern=$1; shift ;;
  esac
done
{python} -c 'import json, sys; hosts, module, args = sys.argv[1:]
print(json.dumps([{{"hosts": hosts, "gather_facts": False, "tasks": [{{module: args}}]}}]))' \\
  "$pattern" "$module" "$arguments" > "$play"
ANSIBLE_PLAYBOOK_DIR=$PWD PYTHONPATH={project} {python} -m provisioner apply --no-history "${{options[@]}}" "$play"
"""

#: `ansible-config dump --only-changed`, of all its commands.
CONFIG = """#!/bin/bash
exec env PYTHONPATH={project} {python} -m provisioner settings
"""
INVENTORY = """#!/bin/bash
PYTHONPATH={project} exec {python} -m provisioner inventory "$@"
"""

GO = """set -e
export PATH={bin}:$PATH HOME={home} OUTPUT_DIR={output} INVENTORY_PATH={inventory} ANSIBLE_PLAYBOOK_DIR={directory}
export ANSIBLE_FORCE_HANDLERS=true ANSIBLE_HOST_PATTERN_MISMATCH=error ANSIBLE_HOST_KEY_CHECKING=false
export ANSIBLE_DEPRECATION_WARNINGS=false ANSIBLE_RETRY_FILES_ENABLED=false ANSIBLE_CONFIG={config}
export JUNIT_OUTPUT_DIR={output}/junit JUNIT_TASK_RELATIVE_PATH={tests} LC_ALL=C.UTF-8 PAGER=cat
"""

PLAY = """- hosts: testhost
  gather_facts: {facts}
  vars:
    output_dir: {output}
  roles:
    - {role}
"""

# Everything the target does to the file system goes to layers in memory that are gone with its namespace. The tests are
# a layer, too: copying their 5,700 files took longer than most targets.
BOX = """set -e
mount -t tmpfs none {box}
mkdir {box}/upper {box}/work {box}/root
mount -t overlay overlay -o lowerdir=/,upperdir={box}/upper,workdir={box}/work {box}/root
mount -t proc proc {box}/root/proc
mount --rbind /dev {box}/root/dev
mount --bind {place} {box}/root{place}
mkdir {box}/tests {box}/tests-work
mount -t overlay overlay -o lowerdir={place}/added:{tests},upperdir={box}/tests,workdir={box}/tests-work \
    {box}/root{place}/test/integration
exec chroot {box}/root bash {place}/go.sh
"""


def prepare(
    target: Target, sources: Path, place: Path, host_variables: str, reference: Path | None = None
) -> Path:
    """Fills `place`; returns the script that runs the target in a throw-away copy of this machine. reference: the
    directory of ansible-core's own programs, which run in place of ours."""
    integration, added, tests = place / "test/integration", place / "added", sources / "test/integration"
    (place / "lib").symlink_to(sources / "lib")
    for name in ("bin", "output", "home", "box", "added", "test/integration"):
        (place / name).mkdir(parents=True)
    (added / "roles").symlink_to("targets")
    (place / "ansible.cfg").touch()
    (added / "inventory").write_text(f"[testgroup]\ntesthost {host_variables}\n")
    _programs(place, reference)
    directory = integration / "targets" / target.directory
    whole = target.playbook or (tests / "targets" / target.directory / "runme.sh").exists()
    go = GO.format(bin=place / "bin", home=place / "home", output=place / "output", inventory=integration / "inventory",
                   tests=place / "test", directory=directory if whole else integration, config=place / "ansible.cfg")
    (place / "go.sh").write_text(go + "\n".join(_commands(target, place, tests)) + "\n")
    box = place / "box.sh"
    box.write_text(BOX.format(box=place / "box", place=place, tests=tests))
    return box


def _programs(place: Path, reference: Path | None) -> None:
    """What targets call by the names of ansible-core's programs."""
    ours = {"project": quote(str(PROJECT)), "python": quote(sys.executable)}
    playbook = f"{reference}/ansible-playbook" if reference else OURS.format(**ours)
    texts = {"ansible-playbook": SHIM.format(program=playbook, log=place / "log")}
    if reference:
        for program in reference.glob("ansible*"):
            if program.name not in texts:
                (place / "bin" / program.name).symlink_to(program)
    else:
        texts["ansible"] = SINGLE.format(**ours)
        texts["ansible-config"] = CONFIG.format(**ours)
        texts["ansible-inventory"] = INVENTORY.format(**ours)
    for name, text in texts.items():
        command = place / "bin" / name
        command.write_text(text)
        command.chmod(0o755)


def _commands(target: Target, place: Path, tests: Path) -> list[str]:
    directory, integration = tests / "targets" / target.directory, place / "test/integration"
    aliases = _lines(directory / "aliases")
    facts = "false" if any(line.startswith("gather_facts/no") for line in aliases) else "true"
    commands: list[str] = []
    for alias in aliases:
        if alias.startswith(("setup/always/", "setup/once/")):
            name = alias.split("#")[0].strip().split("/")[2]
            commands += _role(name, place, tests, facts) if name not in CONTROLLER_ONLY else []
    if target.playbook:
        environment = "".join(f"export {quote(word)}\n" for word in target.environment)
        first = [target.before] if target.before else []
        run = f"ansible-playbook -i {target.inventory} {target.playbook}"
        return [*commands, f"{environment}cd {integration}/targets/{target.directory}", *first, run]
    if (directory / "runme.sh").exists():
        return [*commands, f"cd {integration}/targets/{target.directory}", "./runme.sh"]
    return [*commands, *_role(target.directory, place, tests, facts)]


def _role(name: str, place: Path, tests: Path, facts: str) -> list[str]:
    """Runs a target that is a role, or the script that one of those before it is."""
    integration = place / "test/integration"
    if (tests / "targets" / name / "runme.sh").exists():
        return [f"(cd {integration}/targets/{name}; bash ./runme.sh)"]
    (place / "added" / f"{name}-run.yml").write_text(PLAY.format(facts=facts, output=place / "output", role=name))
    return [f"cd {integration}", f"ansible-playbook -i inventory {name}-run.yml"]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
