import hashlib

from provisioner.messages import Content
from provisioner.testing.modules import Case

SHELL = b"#!/bin/sh\necho \"$(basename $0)\" \"$@\"\n[ \"$1\" != make ] || touch /opt/case-script\n"
PYTHON = b"import sys\nprint(sys.argv[1:])\n"


def content(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data), data)


CASES = [
    Case("a script with arguments", {"cmd": "dir/tool.sh 'a b' $HOME ;id", "_script": content(SHELL).reference()},
         contents=[content(SHELL)], repeats=False, checks="unknown", result={"stdout": "tool.sh a b $HOME ;id"}),
    Case("by a program", {"cmd": "tool.py x", "executable": "python3 -I", "_script": content(PYTHON).reference()},
         contents=[content(PYTHON)], repeats=False, checks="unknown", result={"stdout": "['x']"}),
    Case("what it creates is looked for",
         {"cmd": "tool.sh make", "creates": "/opt/case-script", "_script": content(SHELL).reference()},
         contents=[content(SHELL)], same_diff=False),
    Case("no first line", {"cmd": "tool.py", "_script": content(PYTHON).reference()}, contents=[content(PYTHON)],
         fails="does it begin with `#!`", checks="unknown"),
]
