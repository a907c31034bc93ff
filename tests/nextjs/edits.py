"""What somebody does by hand to a deployed app, by plain shell commands, and how it is put back."""

from __future__ import annotations

from provisioner.testing.nextjs import Site

KEEP = (
    "cd /srv/example && tar -C / -cpf /tmp/kept.tar etc/systemd/system etc/example var/lib/provisioner/apps "
    "srv/example/slots srv/example/current srv/example/node srv/example/live srv/example/lanes "
    "$(ls -d /srv/example/releases/*/RELEASE.json /srv/example/releases/*/next.config.mjs "
    "/srv/example/releases/*/lib | cut -c2-)"
)
RESTART = "systemctl daemon-reload; systemctl restart <unit>; until ss -ltnH | grep -q :<port>; do sleep 0.2; done; "
UNITS_BACK = "tar -C / -xpf /tmp/kept.tar etc/systemd/system; systemctl daemon-reload"
PUT_BACK = (
    "rm -rf /etc/systemd/system/example@* /srv/example/releases/other /srv/example/releases/*/lib/mine.js "
    "/srv/example/lanes /opt/node/copy; "
    "tar -C / -xpf /tmp/kept.tar; systemctl stop <unit>; " + RESTART
)

EDITS = (
    ("sed -i s/TasksMax=512/TasksMax=5/ <file>", "unit", "the file has changed since it was read"),
    ("sed -i s/TasksMax=512/TasksMax=99/ <file>; systemctl daemon-reload", "unit", "an older process"),
    ("mkdir <file>.d; printf '[Service]\\nNice=5' > <file>.d/nice.conf; systemctl daemon-reload", "unit",
     "<file>.d/nice.conf"),
    ("systemctl disable -q <unit>", "unit", "disabled"),
    ("systemctl stop <unit>", "unit", "inactive"),
    ("mkdir /srv/example/releases/other; ln -sfn releases/other /srv/example/current", "link", "other"),
    ("mkdir /srv/example/releases/other; ln -sfn ../releases/other /srv/example/slots/<slot>", "link", "other"),
    ("ln -sfn /opt/node/0 /srv/example/node", "link", "others"),
    ("rm /srv/example/releases/<release>/RELEASE.json", "release", "none"),
    ("echo '//' >> /srv/example/releases/<release>/next.config.mjs", "release", "was changed: next.config.mjs"),
    ("touch /srv/example/releases/<release>/lib/mine.js", "release", "was added: lib/mine.js"),
    ("rm /srv/example/releases/<release>/lib/shutdown.js", "release", "is missing: lib/shutdown.js"),
    ("mkdir /srv/example/lanes/x; touch /srv/example/lanes/x/to-<other>; ln -sfn lanes/x /srv/example/live", "proxy",
     "slot <other>"),
    ("cp -r <node> /opt/node/copy; sed -i s,<node>/bin/node,/opt/node/copy/bin/node, <file>; " + RESTART + UNITS_BACK,
     "node", "/opt/node/copy/bin/node"),
    ("sed -i /LD_PRELOAD/d <file>; " + RESTART + UNITS_BACK, "jemalloc", "not loaded"),
    ("sed -i 's/GREETING=.*/GREETING=\"secretly\"/;/^and/d' <env>", "env", "another value"),
    ("echo 'EXTRA=\"1\"' >> <env>", "env", "not in the process"),
    ("sed -i /TOKEN/d <env>", "env", "in the process"),
    ("chmod 0644 <env>", "env", "0644 root:root"),
    ("echo export A=1 >> <env>", "env", "lines of another form"),
    ("sed -i 's/-H 127.0.0.1/-H 0.0.0.0/' <file>; " + RESTART, "listening", "0.0.0.0"),
    ("sed -i 's/-H 127.0.0.1//' <file>; " + RESTART, "listening", "::"),
    ("sed -i 's/\"step\": \"steady\"/\"step\": \"watch\"/' /var/lib/provisioner/apps/example.json", "release",
     "interrupted at watch"),
)  # fmt: skip
"""Command, the kind of the finding, words in it."""


def named(app: Site, text: str) -> str:
    """What the words in <> stand for at the app as it is now."""
    live = app.journal()["live"]
    names = {
        "<unit>": f"example@{live['slot']}.service", "<file>": f"/etc/systemd/system/example@{live['slot']}.service",
        "<env>": f"/etc/example/{live['slot']}.env", "<node>": app.shell("readlink /srv/example/node"),
        "<release>": str(live["release"]), "<slot>": live["slot"], "<other>": "b" if live["slot"] == "a" else "a",
        "<port>": live["upstreams"][0].rpartition(":")[2],
    }  # fmt: skip
    for name, value in names.items():
        text = text.replace(name, value)
    return text
