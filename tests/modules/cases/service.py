from provisioner.testing.modules import Case

UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
MADE = [("shell", {"cmd": f"printf %s '{UNIT}' > /etc/systemd/system/case.service; systemctl daemon-reload"})]

CASES = [
    Case(
        "started and enabled",
        {"name": "case", "state": "started", "enabled": True},
        setup=MADE,
        result={"state": "started", "enabled": True},
    ),
    Case("restarted", {"name": "case", "state": "restarted"}, repeats=False),
    Case(
        "stopped and disabled",
        {"name": "case", "state": "stopped", "enabled": False},
        setup=[("service", {"name": "case", "state": "started", "enabled": True})],
    ),
    Case("stopped already", {"name": "case", "state": "stopped"}, changes=False),
    Case(
        "another manager", {"name": "case", "state": "started", "use": "openrc"}, fails="`use: openrc` is not supported"
    ),
]
