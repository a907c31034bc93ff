from provisioner.testing.modules import Case

CASES = [
    Case("nothing is asked", {}, changes=False, result={"traces": {"path": {}, "package": {}, "unit": {}},
                                                         "logins": []}),
    Case("what never was", {"path": ["/no/such/folder/file"], "package": ["no-such-package"]}, changes=False,
         result={"traces": {"path": {}, "package": {}, "unit": {}}}),
]  # fmt: skip
