from provisioner.testing.modules import Case

CASES = [
    Case("pipes and variables", {"cmd": "x=5; echo $x | tr 5 6"}, repeats=False, checks="unknown",
         result={"stdout": "6"}),
    Case("another shell", {"cmd": "echo ${BASH_VERSION:+bash}", "executable": "/bin/bash"}, repeats=False,
         checks="unknown", result={"stdout": "bash"}),
    Case("what it creates is looked for", {"cmd": "umask 077; echo > /opt/case-shell", "creates": "/opt/case-shell"},
         same_diff=False),
    Case("it fails", {"cmd": "exit 3"}, fails="non-zero return code", checks="unknown"),
    Case("a daemon it leaves is not waited for", {"cmd": "sleep 2 & echo started"}, repeats=False, checks="unknown",
         result={"stdout": "started"}),
    Case("nothing to run", {"cmd": "  "}, fails="no command"),
]
