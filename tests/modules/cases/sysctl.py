from provisioner.testing.modules import Case

FILE = "/etc/sysctl.d/60-case.conf"

CASES = [
    Case("a setting", {"name": "net.core.somaxconn", "value": "1024", "sysctl_file": FILE, "sysctl_set": True}),
    Case("another value", {"name": "net.core.somaxconn", "value": 2048, "sysctl_file": FILE, "sysctl_set": True}),
    Case("only in the file", {"name": "net.ipv4.ip_forward", "value": True, "sysctl_file": FILE, "reload": False}),
    Case(
        "several numbers",
        {"name": "net.ipv4.ip_local_port_range", "value": "10000 60000", "sysctl_file": FILE, "sysctl_set": True},
    ),
    Case(
        "a line for each, though it was there twice",
        {"name": "net.core.somaxconn", "value": "4096", "sysctl_file": FILE},
        setup=[("shell", {"cmd": f"printf 'net.core.somaxconn = 1\\n# kept\\nnet.core.somaxconn=2\\n' > {FILE}"})],
    ),
    Case("not in the file", {"name": "net.core.somaxconn", "state": "absent", "sysctl_file": FILE}),
    Case(
        "one the kernel does not have",
        {"name": "no.such", "value": "1", "sysctl_set": True},
        fails="has no setting `no.such`",
    ),
    Case(
        "a second line",
        {"name": "net.core.somaxconn", "value": "1\nkernel.core_pattern=|/tmp/x"},
        fails="can't hold a line break",
    ),
    Case("an option as a name", {"name": "-p", "value": "1"}, fails="is not the name of a kernel setting"),
]
