"""A bug of ours: the whole traceback goes to a file, two lines to the screen."""

from __future__ import annotations

import os
import platform
import tempfile
import time
import traceback
from pathlib import Path

from provisioner import __version__
from provisioner.cli.places import state_dir
from provisioner.ui.escape import visible


def keep_traceback(error: BaseException) -> list[str]:
    """Write the traceback to a file that only the user can read; what to say."""
    text = "".join([f"provision {__version__}, Python {platform.python_version()}, {platform.platform()}\n",
                    *traceback.format_exception(error)])
    name = f"crash-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    last = visible(type(error).__name__)  # the message may hold values; the file is the user's own
    try:
        path = _write(state_dir() / "crashes", name, text)
    except OSError:
        path = _write(Path(tempfile.mkdtemp(prefix="provision-")), name, text)
    return [f"provision has a bug: {last}", f"The traceback is in {path}. Please report it with what you did."]


def _write(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8",
              errors="backslashreplace") as file:
        file.write(text)
    return path
