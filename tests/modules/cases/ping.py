from provisioner.testing.modules import Case

CASES = [
    Case("it answers", {}, changes=False, result={"ping": "pong"}),
    Case("it answers what it is asked to", {"data": "here"}, changes=False, result={"ping": "here"}),
    Case("it crashes when asked to", {"data": "crash"}, fails="as asked for"),
]
