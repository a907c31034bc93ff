"""The directory in which one target runs: a copy of the tests, an inventory, the shim, the script that starts it."""

from __future__ import annotations

import shutil
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
PYTHONPATH={project} {python} -m provisioner apply --no-history "$@" | tee -a {log}
"""

#: `ansible HOSTS -m MODULE -a ARGUMENTS`: a play of one task, whose recap nobody counts.
SINGLE = """#!/bin/bash
pattern= module=command arguments= options=() play=$(mktemp)
while [ $# -gt 0 ]; do
  case $1 in
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

# Everything the target does to the file system goes to a layer in memory that is gone with its namespace.
BOX = """set -e
mount -t tmpfs none {box}
mkdir {box}/upper {box}/work {box}/root
mount -t overlay overlay -o lowerdir=/,upperdir={box}/upper,workdir={box}/work {box}/root
mount -t proc proc {box}/root/proc
mount --rbind /dev {box}/root/dev
mount --bind {place} {box}/root{place}
exec chroot {box}/root bash {place}/go.sh
"""


def prepare(target: Target, sources: Path, place: Path, host_variables: str) -> Path:
    """Fills `place`; returns the script that runs the target in a throw-away copy of this machine."""
    integration = place / "test/integration"
    shutil.copytree(sources / "test/integration", integration, symlinks=True)
    (place / "lib").symlink_to(sources / "lib")
    (integration / "roles").symlink_to("targets")
    for name in ("bin", "output", "home", "box"):
        (place / name).mkdir()
    (place / "ansible.cfg").touch()
    inventory = integration / "inventory"
    inventory.write_text(f"[testgroup]\ntesthost {host_variables}\n")
    for name, shim in (("ansible-playbook", SHIM), ("ansible", SINGLE)):
        command = place / "bin" / name
        command.write_text(shim.format(project=quote(str(PROJECT)), python=quote(sys.executable), log=place / "log"))
        command.chmod(0o755)
    directory = integration / "targets" / target.directory
    whole = target.playbook or (directory / "runme.sh").exists()
    go = GO.format(bin=place / "bin", home=place / "home", output=place / "output", inventory=inventory,
                   tests=place / "test", directory=directory if whole else integration, config=place / "ansible.cfg")
    (place / "go.sh").write_text(go + "\n".join(_commands(target, integration, directory, place / "output")) + "\n")
    box = place / "box.sh"
    box.write_text(BOX.format(box=place / "box", place=place))
    return box


def _commands(target: Target, integration: Path, directory: Path, output: Path) -> list[str]:
    aliases = _lines(directory / "aliases")
    facts = "false" if any(line.startswith("gather_facts/no") for line in aliases) else "true"
    commands: list[str] = []
    for alias in aliases:
        if alias.startswith(("setup/always/", "setup/once/")):
            name = alias.split("#")[0].strip().split("/")[2]
            commands += _role(name, integration, facts, output) if name not in CONTROLLER_ONLY else []
    if target.playbook:
        environment = "".join(f"export {quote(word)}\n" for word in target.environment)
        first = [target.before] if target.before else []
        run = f"ansible-playbook -i {target.inventory} {target.playbook}"
        return [*commands, f"{environment}cd {directory}", *first, run]
    if (directory / "runme.sh").exists():
        return [*commands, f"cd {directory}", "./runme.sh"]
    return [*commands, *_role(target.directory, integration, facts, output)]


def _role(name: str, integration: Path, facts: str, output: Path) -> list[str]:
    """Runs a target that is a role, or the script that one of those before it is."""
    if (integration / "targets" / name / "runme.sh").exists():
        return [f"(cd {integration}/targets/{name}; bash ./runme.sh)"]
    (integration / f"{name}-run.yml").write_text(PLAY.format(facts=facts, output=output, role=name))
    return [f"cd {integration}", f"ansible-playbook -i inventory {name}-run.yml"]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
