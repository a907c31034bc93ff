"""Running and finding programs for `AnsibleModule`."""

from __future__ import annotations

import os
import shlex
import subprocess
from functools import partial
from typing import Any, Mapping, Optional, Sequence

from provisioner.remote.shim.text import to_bytes, to_text

PATHS = ":".join(filter(None, (os.environ.get("PATH"), "/sbin", "/usr/sbin", "/usr/local/sbin")))


def run(args: Any, environ_update: "Mapping[str, str]", data: Any = None, binary_data: bool = False,
        path_prefix: Optional[str] = None, cwd: Optional[str] = None, use_unsafe_shell: bool = False,
        executable: Optional[str] = None, umask: Optional[int] = None, encoding: Optional[str] = "utf-8",
        errors: str = "surrogate_or_strict", expand_user_and_vars: bool = True, close_fds: bool = True,
        **unknown: Any) -> "tuple[int, Any, Any]":
    """(status, stdout, stderr). Raises OSError when it cannot be started."""
    argv: Any = args
    if use_unsafe_shell:
        argv = args if isinstance(args, (str, bytes)) else shlex.join(map(str, args))
    else:
        words = shlex.split(to_text(args)) if isinstance(args, (str, bytes)) else [to_text(word) for word in args]
        argv = [os.path.expanduser(os.path.expandvars(word)) for word in words] if expand_user_and_vars else words
    environment = {**os.environ, **environ_update}
    if path_prefix:
        environment["PATH"] = "%s:%s" % (path_prefix, environment.get("PATH", ""))
    given = None if data is None else to_bytes(data) + (b"" if binary_data else b"\n")
    done = subprocess.run(argv, shell=use_unsafe_shell, executable=executable, input=given, cwd=cwd, env=environment,
                          stdin=subprocess.DEVNULL if given is None else None, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, close_fds=close_fds, check=False,
                          preexec_fn=None if umask is None else partial(os.umask, umask))  # fmt: skip
    if encoding is None:
        return done.returncode, done.stdout, done.stderr
    return done.returncode, to_text(done.stdout, encoding, errors), to_text(done.stderr, encoding, errors)


def shown(args: Any) -> str:
    return to_text(args) if isinstance(args, (str, bytes)) else shlex.join(map(to_text, args))


def find(name: str, further: "Sequence[str]") -> Optional[str]:
    for folder in (*further, *PATHS.split(":")):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
