"""A host without a controller: it fetches its playbooks from a repository over SSH, by a timer of its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from provisioner.lab import LabHost
from tests.schedule.installed import PROGRAM, install, log_in_to_itself

pytestmark = pytest.mark.slow
URL = "ssh://root@127.0.0.1/srv/site.git"
PUSH = """
set -e
[ -d /srv/site.git ] || git init -q --bare -b main /srv/site.git
[ -d /srv/work ] || git clone -q /srv/site.git /srv/work
cd /srv/work
mkdir -p inventories
echo "$(hostname) motd=%s" > inventories/hosts
cat > site.yml << 'END'
- name: Site
  hosts: all
  become: true
  tasks:
    - name: Motd
      copy: {content: "{{ motd }}\\n", dest: /etc/motd}
END
git add . && git -c user.name=a -c user.email=a@example.com commit -q -m change && git push -q origin HEAD:main
"""


def test_a_host_that_pulls_needs_no_controller(lab_hosts: Callable[..., list[LabHost]]) -> None:
    (host,) = lab_hosts(1, packages=("git",))
    install(host)
    log_in_to_itself(host)

    def provision(*words: str, code: int = 0) -> str:
        done = host.run(["env", "-C", "/", "HOME=/root", "GIT_SSH_COMMAND=ssh -o BatchMode=yes -i /root/.ssh/checks",
                         PROGRAM, *words], check=False, timeout=400)  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def result(name: str) -> str:
        found = {each["name"]: each["result"] for each in json.loads(provision("schedule", "list", "--json"))}
        return str(found[name])

    motd = host.root / "etc/motd"
    host.run(["sh", "-c", PUSH % "one"])
    provision("pull", URL, "apply", "site.yml")
    assert motd.read_text() == "one\n"
    motd.write_text("by hand\n")
    assert "drifted" in provision("pull", URL, "drift", "site.yml", code=2)

    add = ("schedule", "add", "--env", "GIT_SSH_COMMAND", "every 15 min", "pull", URL)
    provision(*add, "drift", "site.yml")
    provision("schedule", "run", "drift-site", code=2)
    assert result("drift-site") == "differs"
    provision(*add, "apply", "site.yml", "--yes")
    host.run(["sh", "-c", PUSH % "two"])
    assert "pending" in provision("pull", URL, "drift", "site.yml", code=2)
    provision("schedule", "run", "apply-site")
    assert (motd.read_text(), result("apply-site")) == ("two\n", "well")
    provision("schedule", "run", "drift-site")
    assert result("drift-site") == "in sync"
    assert "apply site.yml" in provision("history")
