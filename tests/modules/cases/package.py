from provisioner.testing.modules import Case

CASES = [
    Case("a package", {"name": "tree"}),
    Case("a package that is there", {"name": "sudo", "state": "installed"}, changes=False),
    Case("another manager", {"name": "tree", "use": "dnf"}, fails="`use: dnf` is not supported"),
]
