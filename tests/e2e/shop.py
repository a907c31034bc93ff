"""An app `shop` on a lab host, deployed by the real program from a playbook."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from controller import Ran, inventory, provision

from provisioner.lab import LabHost

APPS = Path(__file__).parents[1] / "nextjs/apps"
PLAYBOOK = """- hosts: all
  become: true
  tasks:
    - name: Run the shop
      nextjs_app:
        name: shop
        source: {source}
        env:
          GREETING: Hello
"""


@dataclass(frozen=True)
class Shop:
    host: LabHost

    def apply(self, folder: Path, source: Path, **settings: object) -> Ran:
        """Run the playbook, with further settings if any. It must succeed."""
        playbook = folder / "site.yml"
        lines = [f"        {name}: {json.dumps(value)}\n" for name, value in settings.items()]
        playbook.write_text(PLAYBOOK.format(source=source) + "".join(lines))
        ran = provision(folder, "apply", "-i", str(inventory(folder, [self.host])), str(playbook), timeout=850)
        assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
        return ran

    def says(self, path: str = "/") -> str:
        """What a page says, without its tags and comments."""
        return re.sub(r"<[^>]*>", "", self._fetch(path)[1].decode())

    def script(self) -> str:
        """The path of a script that the first page names."""
        return str(re.findall(r'/_next/static/[^"]+\.js', self._fetch("/")[1].decode())[0])

    def kind(self, path: str) -> str:
        """The Content-Type of an answer, which is 200."""
        return self._fetch(path)[0]

    def release(self, command: str) -> str:
        """What a command of the shell says in the release that is live."""
        return self.host.run(["sh", "-c", f"cd /srv/shop/current/ && {command}"]).stdout.strip()

    def server(self) -> str:
        """The command line of what runs."""
        return self.host.run(["sh", "-c", "systemctl show 'shop@*' -p ExecStart --value --state=active"]).stdout

    def _fetch(self, path: str) -> tuple[str, bytes]:
        request = urllib.request.Request(f"http://{self.host.address}{path}", headers={"Accept": "image/webp, */*"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.headers["Content-Type"], answer.read()
