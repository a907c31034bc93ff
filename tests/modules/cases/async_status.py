from provisioner.testing.modules import Case

CASES = [
    Case("a job that nobody knows", {"jid": "j1.2"}, checks="unknown", fails="could not find job"),
    Case("a path", {"jid": "../j1.2"}, checks="unknown", fails="is not the id of a job"),
    Case("forgetting a job that nobody knows", {"jid": "j1.2", "mode": "cleanup"}, checks="unknown",
         fails="could not find job"),
]
