from provisioner.testing.modules import Call, Case

UNIT = "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def unit(name: str, *more: Call) -> list[Call]:
    path = f"/etc/systemd/system/{name}"
    return [("shell", {"cmd": f"printf %s '{UNIT}' > {path}; systemctl daemon-reload"}), *more]


CASES = [
    Case(
        "started and enabled",
        {"name": "case", "state": "started", "enabled": True},
        setup=unit("case.service"),
        result={"state": "started", "enabled": True, "name": "case"},
    ),
    Case("stopped", {"name": "case", "state": "stopped"}, setup=[("systemd", {"name": "case", "state": "started"})]),
    Case("disabled", {"name": "case", "enabled": False}, setup=[("systemd", {"name": "case", "enabled": True})]),
    Case("running already", {"name": "ssh", "state": "started", "enabled": True}, changes=False),
    Case("restarted", {"name": "case", "state": "restarted"}, repeats=False),
    Case("reloaded", {"name": "case.service", "state": "reloaded"}, repeats=False),
    Case(
        "reloaded when it does not run",
        {"name": "case", "state": "reloaded"},
        repeats=False,
        setup=[("systemd", {"name": "case", "state": "stopped"})],
    ),
    Case(
        "masked",
        {"name": "other", "masked": True},
        setup=[("shell", {"cmd": f"printf %s '{UNIT}' > /lib/systemd/system/other.service"})],
    ),
    Case("started in spite of the mask", {"name": "other", "state": "started"}, fails="is masked"),
    Case("unmasked and started", {"name": "other", "masked": False, "state": "started"}),
    Case(
        "a file in the way of the mask",
        {"name": "case", "masked": True},
        checks="changed",
        fails="Unable to mask service",
    ),
    Case(
        "a template",
        {"name": "temp@", "enabled": True},
        setup=[
            (
                "shell",
                {
                    "cmd": "sed '/WantedBy/aDefaultInstance=one' "
                    "/etc/systemd/system/case.service > /etc/systemd/system/temp@.service"
                },
            )
        ],
    ),
    Case("an instance", {"name": "temp@two", "state": "started", "enabled": True}),
    Case("reading unit files again", {"daemon_reload": True}, changes=False),
    Case(
        "a unit that is not there",
        {"name": "no-such", "state": "started"},
        fails="Could not find the requested service",
    ),
    Case("an option as a name", {"name": "--help", "state": "started"}, fails="is not the name of a unit"),
    Case(
        "another host by the name",
        {"name": "-Hroot@example.com", "state": "started"},
        fails="is not the name of a unit",
    ),
    Case("a pattern as a name", {"name": "*", "state": "stopped"}, fails="is not the name of a unit"),
    Case(
        "commands in the name",
        {"name": "case; touch /tmp/case-marker", "state": "started"},
        fails="is not the name of a unit",
    ),
]
