"""The work of site.yml for pyinfra, made from that file task by task; run by `benchmarks/run --tools pyinfra`."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import apt, crontab, files, server, systemd

HERE = Path(__file__).parent
PLAY = yaml.safe_load((HERE / "site.yml").read_text())[0]


def rights(args: dict[str, Any]) -> dict[str, Any]:
    return {"user": args.get("owner"), "group": args.get("group"), "mode": args.get("mode")}


def file(name: str, args: dict[str, Any]) -> Any:
    if args["state"] == "directory":
        return files.directory(name=name, path=args["path"], **rights(args))
    if args["state"] == "link":
        return files.link(name=name, path=args["path"], target=args["src"])
    return files.link(name=name, path=args["path"], present=False)


OPERATIONS = {
    "apt": lambda name, a: apt.packages(
        name=name, packages=a["name"], present=a["state"] == "present", no_recommends=True),
    "group": lambda name, a: server.group(name=name, group=a["name"]),
    "user": lambda name, a: server.user(
        name=name, user=a["name"], group=a["group"], shell=a["shell"], home=f"/home/{a['name']}", create_home=True),
    "file": file,
    "copy": lambda name, a: files.put(name=name, src=str(HERE / "files" / a["src"]), dest=a["dest"], **rights(a)),
    "template": lambda name, a: files.template(
        name=name, src=str(HERE / "templates" / a["src"]), dest=a["dest"], **rights(a), **PLAY["vars"]),
    "lineinfile": lambda name, a: files.line(
        name=name, path=a["path"], line=f"{a['regexp']}.*", replace=a["line"]),
    "systemd_service": lambda name, a: systemd.service(
        name=name, service=a["name"], running=True, enabled=a["enabled"]),
    "cron": lambda name, a: crontab.crontab(
        name=name, command=a["job"], cron_name=a["name"], minute=a["minute"], hour=a["hour"],
        day_of_week=a["weekday"]),
    "stat": lambda name, a: host.get_fact(File, path=a["path"]),
    "command": lambda name, a: server.shell(name=name, commands=[a["cmd"]]),
}

notifying: dict[str, list[Any]] = defaultdict(list)
for task in PLAY["tasks"]:
    module = next(key for key in task if key.startswith("ansible.builtin."))
    done = OPERATIONS[module.rpartition(".")[2]](task["name"], task[module])
    if "notify" in task:
        notifying[task["notify"]].append(done)


def changed(handler: str) -> Any:
    return lambda: any(done.did_change() for done in notifying[handler])


for handler in PLAY["handlers"]:
    unit = handler["ansible.builtin.systemd_service"]
    if handler["name"] in notifying:
        systemd.service(
            name=handler["name"], service=unit["name"], reloaded=unit["state"] == "reloaded",
            restarted=unit["state"] == "restarted", daemon_reload=unit.get("daemon_reload", False),
            _if=changed(handler["name"]))
