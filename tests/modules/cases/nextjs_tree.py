from provisioner.testing.modules import Case

ARGS = {"name": "case", "user": "case-app"}
USER = ("user", {"name": "case-app", "system": True})

CASES = [
    Case("all directories", ARGS, setup=[USER]),
    Case("one that went, one that was opened", ARGS, setup=[
        ("shell", {"cmd": "rmdir /srv/case/slots && chmod 0777 /srv/case/build && chown root /srv/case/build/home"})]),
    Case("all is well", ARGS, changes=False),
    Case("a file in the way", {**ARGS, "name": "blocked"}, fails="is in the way",
         setup=[("shell", {"cmd": "mkdir -p /srv/blocked && echo > /srv/blocked/releases"})]),
]  # fmt: skip
