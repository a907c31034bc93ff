from provisioner.testing.modules import Case

EVERYTHING: dict[str, dict[str, str]] = {name: {} for name in (
    "packages", "ports", "users", "sudoers", "authorized_keys", "units", "crontabs", "failed_units", "reboot",
    "security_updates", "certificates", "disk")}  # fmt: skip

CASES = [
    Case("everything there is to watch", {"watches": {**EVERYTHING, "files": {"in": ["/etc/ssl"]}}}, changes=False),
    Case("a directory that is not there", {"watches": {"files": {"in": ["/opt/case/none"]}}}, changes=False,
         result={"survey": {"files": {"settings": {"in": ["/opt/case/none"]}, "items": {}, "shipped": []}}}),
    Case("a watch that there is not", {"watches": {"moon": {}}}, fails="no watch `moon`"),
]  # fmt: skip
