from provisioner.testing.modules import Case

CASES = [
    Case("a line for the shell", {"cmd": "echo $((1 + 1))"}, repeats=False, checks="unknown",
         result={"stdout": "2\n", "stdout_lines": ["2"], "rc": 0}),
    Case("it fails", {"cmd": "exit 3"}, fails="non-zero return code", checks="unknown"),
]
