"""`ec2_key`: a key pair of EC2. The work is in `provisioner.cloud.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.actions.base import Driving
from provisioner.actions.cloud import AWS, TAGS, together
from provisioner.cloud.tasks import aws, ec2_key
from provisioner.remote.spec import Arg, Spec
from provisioner.values import HostName

SPEC = Spec(
    name="ec2_key",
    summary="Give EC2 a public key, or take it away",
    check="predict",
    identity=("name", "region"),
    args={
        "name": Arg(required=True, aliases=("key_name",), doc="Its name in the region"),
        "key_material": Arg(doc="The public key, as in `id_ed25519.pub`"),
        "state": Arg(choices=("present", "absent"), default="present", doc="Whether it is to be there"),
        "force": Arg(type="bool", default=True, doc="Replace a key of this name by another `key_material`"),
        **TAGS, **AWS,
    },
    notes="AWS is asked from the controller, through boto3 (`pip install 'provision[ec2]'`). Key pairs that AWS makes "
          "are not supported: their private key would be in the records of the run.",
    examples="""
- name: My key
  amazon.aws.ec2_key:
    name: me
    key_material: "{{ lookup('file', '~/.ssh/id_ed25519.pub') }}"
    region: eu-central-1
""",
    returns={"key": "the key: `name`, `id`, `fingerprint`, `type`, `tags`"},
)


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    return together(calls, SPEC, lambda asked: ec2_key.ensure(aws.api_of(asked), asked))
