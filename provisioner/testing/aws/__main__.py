"""AWS to try things out with: `python -m provisioner.testing.aws [PORT]`, ended by Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import threading

from provisioner.testing.aws import Aws


def main() -> None:
    with Aws(int(sys.argv[1]) if len(sys.argv) > 1 else 5566) as aws, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"export AWS_ENDPOINT_URL={aws.url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
