"""A certificate authority on a lab host (Debian's `pebble`), which really asks for the names it certifies."""

from __future__ import annotations

import json
from collections.abc import Mapping

from provisioner.lab import LabHost

FOLDER = "/opt/pebble"


def directory(host: LabHost) -> str:
    return f"https://{host.address}:14000/dir"


def start(host: LabHost, names: Mapping[str, str], *, seconds: int = 0) -> str:
    """Start it, or start it anew. `names`: to the addresses that it finds them at. `seconds`: how long certificates are
    valid; 0: five years. Gives the certificate of its own HTTPS, PEM."""
    address = f"{host.address}:14000"
    config = {"pebble": {
        "listenAddress": address, "managementListenAddress": "127.0.0.1:15000",
        "certificate": f"{FOLDER}/cert.pem", "privateKey": f"{FOLDER}/key.pem", "httpPort": 80, "tlsPort": 443,
        "ocspResponderURL": "", "externalAccountBindingRequired": False,
        **({"certificateValidityPeriod": seconds} if seconds else {}),
    }}  # fmt: skip
    hosts = "; ".join(f"sed -i '/ {name}$/d' /etc/hosts; echo '{found} {name}' >> /etc/hosts"
                      for name, found in names.items())  # fmt: skip
    script = f"""set -e
systemctl stop pebble-test.service 2>/dev/null || true
mkdir -p {FOLDER}
[ -e {FOLDER}/cert.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout {FOLDER}/key.pem -out {FOLDER}/cert.pem \
  -days 30 -subj /CN=localhost -addext subjectAltName=IP:{host.address} -addext basicConstraints=critical,CA:TRUE
printf '%s' '{json.dumps(config)}' > {FOLDER}/config.json
{hosts}
systemd-run --quiet --collect --unit pebble-test --setenv=PEBBLE_VA_NOSLEEP=1 \
  --setenv=PEBBLE_WFE_NONCEREJECT=0 pebble -config {FOLDER}/config.json
for i in $(seq 100); do curl -sk https://{address}/dir >/dev/null && break; sleep 0.1; done
cat {FOLDER}/cert.pem
"""
    return host.run(["sh", "-c", script], timeout=300).stdout


def roots(host: LabHost) -> str:
    """The certificate that those it issues are checked with, PEM. It has another one after every start."""
    return host.run(["curl", "-sk", "https://127.0.0.1:15000/roots/0"]).stdout
