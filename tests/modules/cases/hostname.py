from provisioner.testing.modules import Case

CASES = [
    Case("another name", {"name": "case-1"}, result={"name": "case-1"}),
    Case("a whole name", {"name": "case-2.example.com"}),
    Case("an option as a name", {"name": "-F/etc/shadow"}, fails="is not the name of a host"),
    Case("a second line", {"name": "x\ny"}, fails="is not the name of a host"),
]
