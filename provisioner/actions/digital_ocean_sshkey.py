"""`digital_ocean_sshkey`: an SSH key of an account. The work is in `provisioner.cloud.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.actions.base import Driving
from provisioner.actions.cloud import DIGITALOCEAN, together
from provisioner.cloud.tasks.asked import Asked, Result
from provisioner.remote.spec import Arg, Spec
from provisioner.values import HostName

SPEC = Spec(
    name="digital_ocean_sshkey",
    summary="Give DigitalOcean a public key, or take it away",
    check="predict",
    identity=("name", "fingerprint"),
    args={
        "name": Arg(doc="What the account calls it"),
        "ssh_pub_key": Arg(doc="The public key, as in `id_ed25519.pub`"),
        "fingerprint": Arg(aliases=("id",), doc="Which key, if it is not given whole"),
        "state": Arg(choices=("present", "absent"), default="present", doc="Whether it is to be there"),
        **DIGITALOCEAN,
    },
    required_one_of=(("name", "ssh_pub_key", "fingerprint"),),
    notes="DigitalOcean is asked from the controller (`pip install 'provision[digitalocean]'`). An account has a key "
          "only once, and keeps the name it was given first.",
    examples="""
- name: My key
  community.digitalocean.digital_ocean_sshkey:
    name: me
    ssh_pub_key: "{{ lookup('file', '~/.ssh/id_ed25519.pub') }}"
    oauth_token: "{{ vault_digitalocean_token }}"
""",
    returns={"data": "`ssh_key`: `id`, `fingerprint`, `name`, `public_key`"},
)


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    return together(calls, SPEC, _ensure)


def _ensure(asked: Asked) -> Result:
    from provisioner.cloud.tasks import digitalocean  # noqa: PLC0415 - an extra

    api = digitalocean.api_of(asked)
    from provisioner.cloud.tasks import do_key  # noqa: PLC0415 - needs the library, which `api_of` has asked for

    return do_key.ensure(api, asked)
