from provisioner.testing.modules import Case

CASES = [
    Case("a package", {"name": "tree", "update_cache": True, "cache_valid_time": 86400}, setup=[("apt", {"update_cache": True})]),
    Case("a package that is there", {"name": "sudo", "state": "installed"}, changes=False),
    Case("not there", {"name": "tree", "state": "removed"}),
    Case("another manager", {"name": "tree", "use": "dnf"}, fails="`use: dnf` is not supported"),
]
