from provisioner.testing.modules import Case

HALF = (
    "sed -i '/^Package: tree$/,/^$/s/^Status: install ok installed/Status: install ok half-configured/' "
    "/var/lib/dpkg/status"
)
CONTROL = "Package: case\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n"
BUILD = (
    f"mkdir -p /opt/case/d/DEBIAN && printf '{CONTROL}' > /opt/case/d/DEBIAN/control && "
    "dpkg-deb -b /opt/case/d /opt/case/case.deb"
)

CASES = [
    Case(
        "a package, with no package lists yet",
        {"name": "tree"},
        setup=[("shell", {"cmd": "rm -rf /var/lib/apt/lists/*"})],
    ),
    Case(
        "packages that are there",
        {"name": ["tree", "sudo", "systemd"], "update_cache": True},
        changes=False,
        result={"cache_updated": False},
    ),
    Case("a version that is there", {"name": ["tree>=1.0", "tree=*"]}, changes=False),
    Case("a virtual package", {"name": "awk"}, changes=False),
    Case(
        "lists that are old",
        {"update_cache": True, "cache_valid_time": 3600},
        result={"cache_updated": True},
        setup=[("shell", {"cmd": "touch -d '2 days ago' /var/lib/apt/lists"})],
    ),
    Case("lists that are new", {"update_cache": True, "cache_valid_time": 3600}, changes=False),
    Case("half an installation", {"name": "tree"}, setup=[("shell", {"cmd": HALF})]),
    Case("the newest version", {"name": "tree", "state": "latest"}, changes=False, repeats=False),
    Case("not there", {"name": "tree", "state": "absent", "purge": True}),
    Case("never there", {"name": ["apache2", "telnet"], "state": "absent"}, changes=False),
    Case("a file", {"deb": "/opt/case/case.deb"}, setup=[("shell", {"cmd": BUILD})]),
    Case("no downloads kept", {"clean": True}, setup=[("shell", {"cmd": "touch /var/cache/apt/archives/x.deb"})]),
    Case("no such package", {"name": "no-such-package"}, fails="No package matching 'no-such-package' is available"),
    Case("an option as a name", {"name": "-y"}, fails="is not the name of a package"),
    Case("a name that removes", {"name": "sudo-"}, fails="is not the name of a package"),
    Case("commands in the name", {"name": "tree; touch /tmp/case-marker"}, fails="is not the name of a package"),
]
