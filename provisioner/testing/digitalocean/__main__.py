"""A DigitalOcean to try out, until Ctrl-C: `python -m provisioner.testing.digitalocean [PORT] [ZONE …]`."""

from __future__ import annotations

import sys
import threading

from provisioner.testing.digitalocean import TOKEN, Fake, World


def main(port: int, zones: list[str]) -> None:
    with Fake(World(domains={zone: {} for zone in zones}), port=port) as fake:
        sys.stdout.write(f"export DIGITALOCEAN_END_POINT={fake.url}\nexport DIGITALOCEAN_TOKEN={TOKEN}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    try:
        main(int((sys.argv[1:] or ["8017"])[0]), sys.argv[2:] or ["example.com"])
    except KeyboardInterrupt:
        sys.exit(130)
