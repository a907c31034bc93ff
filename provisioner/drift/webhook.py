"""Tells a chat (Slack, Mattermost, Rocket.Chat and others that take `{"text": …}`) what differs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Final

from provisioner.diag import UsageError

_TIMEOUT: Final = 10.0
_PAUSES: Final = (1.0, 4.0)
"""Seconds between attempts."""


def send(url: str, text: str, pauses: tuple[float, ...] = _PAUSES) -> str:
    """Post the text; gives why that failed, or nothing. The address is a secret and in no message."""
    if not url.startswith(("http://", "https://")):
        raise UsageError("--webhook: not an http or https address")
    request = urllib.request.Request(url, json.dumps({"text": text}).encode(), method="POST",  # noqa: S310 - checked
                                     headers={"Content-Type": "application/json"})  # fmt: skip
    problem = ""
    for pause in (*pauses, None):
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            problem = f"it answers {error.code}"
            error.close()
            if error.code < 500 and error.code != 429:
                return problem
        except OSError as error:
            reason = getattr(error, "reason", error)
            problem = f"no answer: {type(reason).__name__}"
        if pause is not None:
            time.sleep(pause)
    return problem
