from provisioner.testing.modules import Case

MARK = "/opt/case-command"

CASES = [
    Case("arguments without a shell", {"cmd": "echo 'a b' $HOME ; | > x"}, repeats=False, checks="unknown",
         result={"stdout": "a b /root ; | > x", "rc": 0, "cmd": ["echo", "a b", "/root", ";", "|", ">", "x"]}),
    Case("a list is taken as it is", {"argv": ["echo", "a  b", "*", "`id`"]}, repeats=False, checks="unknown",
         result={"stdout": "a  b * `id`"}),
    Case("variables stay when asked for", {"cmd": "echo $HOME", "expand_argument_vars": False}, repeats=False,
         checks="unknown", result={"stdout": "$HOME"}),
    Case("input and empty ends",
         {"cmd": "cat", "stdin": "x\n\n", "stdin_add_newline": False, "strip_empty_ends": False},
         repeats=False, checks="unknown", result={"stdout": "x\n\n", "stdout_lines": ["x", ""]}),
    Case("what it creates is looked for", {"cmd": "touch made", "chdir": MARK, "creates": "made"},
         setup=[("file", {"path": MARK, "state": "directory"})], same_diff=False),
    Case("a pattern is there", {"cmd": "false", "creates": "/etc/host*"}, changes=False,
         result={"stdout": "skipped, since /etc/host* exists", "rc": 0}),
    Case("what it removes is gone", {"cmd": "false", "removes": "/no/such/file"}, changes=False,
         result={"stdout": "skipped, since /no/such/file does not exist"}),
    Case("it fails", {"cmd": "sh -c 'echo bad >&2; exit 4'"}, fails="non-zero return code", checks="unknown"),
    Case("a signal has a name", {"cmd": "sh -c 'kill -9 $$'", "expand_argument_vars": False}, fails="killed by SIGKILL",
         checks="unknown"),
    Case("no such program", {"cmd": "no-such-program"}, fails="no program `no-such-program`", checks="unknown"),
    Case("no such directory", {"cmd": "true", "chdir": "/no/such"}, fails="Unable to change directory",
         checks="unknown"),
    Case("a shell is not used", {"cmd": "echo a", "executable": "/bin/bash"}, repeats=False, checks="unknown",
         result={"stdout": "a", "warnings": ["`executable` is no longer supported by `command`, which needs no shell: "
                                             "/bin/bash is not used"]}),
    Case("the environment of the task", {"cmd": "sh -c 'echo $GREETING'", "expand_argument_vars": False}, repeats=False,
         checks="unknown", environment={"GREETING": "hello"}, result={"stdout": "hello"}),
    Case("an open quote", {"cmd": "echo 'x"}, fails="can't be split"),
    Case("neither form", {}, fails="one of the following is required"),
]
