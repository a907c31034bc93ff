"""`digital_ocean_droplet`: a machine at DigitalOcean, one task at a time. The work is in `provisioner.cloud.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.actions.base import Driving
from provisioner.actions.cloud import DIGITALOCEAN, together
from provisioner.cloud.tasks.asked import Asked, Result
from provisioner.remote.spec import Arg, Spec
from provisioner.values import HostName

SPEC = Spec(
    name="digital_ocean_droplet",
    summary="Make, tag, resize, switch or delete a droplet",
    check="predict",
    identity=("name", "id"),
    args={
        "name": Arg(doc="Its name"),
        "unique_name": Arg(type="bool", default=False,
                           doc="There is one of this name: use it. Without it every run makes another"),
        "id": Arg(type="int", aliases=("droplet_id",), doc="This droplet instead"),
        "state": Arg(choices=("present", "absent", "active", "inactive"), default="present",
                     doc="`active` and `inactive` also switch it on and off"),
        "size": Arg(aliases=("size_id",), doc="`s-1vcpu-1gb`; changed only while it is off, or with `state: inactive`"),
        "resize_disk": Arg(type="bool", default=False, doc="The disk grows too, and can never shrink again"),
        "image": Arg(aliases=("image_id",), doc="Slug or number: `debian-12-x64`"),
        "region": Arg(aliases=("region_id",), doc="`fra1`"),
        "ssh_keys": Arg(type="list", elements="str", default=[], doc="Numbers or fingerprints of keys of the account"),
        "user_data": Arg(doc="What its first boot is told; only used when it is made"),
        "tags": Arg(type="list", elements="str", default=[], doc="Tags that it has to have; others are left"),
        "vpc_uuid": Arg(doc="Its network; else the region's default one"),
        "monitoring": Arg(type="bool", default=False, doc="Install DigitalOcean's agent"),
        "backups": Arg(type="bool", default=False, doc="Weekly ones, which cost"),
        "ipv6": Arg(type="bool", default=False, doc="Give it an IPv6 address too"),
        "wait": Arg(type="bool", default=True, doc="Wait until it runs and has an address"),
        "wait_timeout": Arg(type="int", default=300, doc="Seconds"),
        **DIGITALOCEAN,
    },
    required_one_of=(("name", "id"),),
    notes="DigitalOcean is asked from the controller (`pip install 'provision[digitalocean]'`). A droplet is "
          "made with a tag of its own (`provision:token:…`), so that a run that was killed does not make a second one; "
          "results do not show it.",
    examples="""
- name: A machine
  community.digitalocean.digital_ocean_droplet:
    name: web-1
    unique_name: true
    size: s-1vcpu-1gb
    image: debian-12-x64
    region: fra1
    ssh_keys: ["{{ key.data.ssh_key.id }}"]
    oauth_token: "{{ vault_digitalocean_token }}"
  register: made
""",
    returns={"data": "`droplet` as the API tells it; beside it `ip_address` and `private_ipv4_address`"},
)


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    return together(calls, SPEC, _ensure)


def _ensure(asked: Asked) -> Result:
    from provisioner.cloud.tasks import digitalocean  # noqa: PLC0415 - an extra

    api = digitalocean.api_of(asked, asked.a.region or "")
    from provisioner.cloud.tasks import do_droplet  # noqa: PLC0415 - needs the library, which `api_of` has asked for

    return do_droplet.ensure(api, asked)
