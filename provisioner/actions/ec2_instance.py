"""`ec2_instance`: machines at EC2, one task at a time. The work is in `provisioner.cloud.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from provisioner.actions.base import Driving
from provisioner.actions.cloud import AWS, TAGS, together
from provisioner.cloud.providers.ec2.api import Patience
from provisioner.cloud.tasks import aws, ec2_instance
from provisioner.remote.spec import Arg, Spec
from provisioner.values import HostName

_DISK: Final[Mapping[str, Arg]] = {
    "volume_size": Arg(type="int", doc="GiB"),
    "volume_type": Arg(doc="gp3, io2 …"),
    "delete_on_termination": Arg(type="bool", default=True, doc="Delete it with the instance"),
    "encrypted": Arg(type="bool", doc="Encrypt it"),
    "iops": Arg(type="int", doc="Operations a second"),
    "throughput": Arg(type="int", doc="MiB a second"),
    "kms_key_id": Arg(doc="The key to encrypt it with"),
    "snapshot_id": Arg(doc="What it starts with"),
}
SPEC = Spec(
    name="ec2_instance",
    summary="Launch, change, start, stop or terminate instances of EC2",
    check="predict",
    identity=("name", "instance_ids", "region"),
    args={
        "name": Arg(doc="The tag `Name`, by which it is found again"),
        "instance_ids": Arg(type="list", elements="str", aliases=("instance_id",), doc="These instances instead"),
        "filters": Arg(type="dict", doc="Filters of DescribeInstances instead: `{\"tag:role\": web}`"),
        "state": Arg(
            choices=("present", "running", "started", "stopped", "restarted", "rebooted", "terminated", "absent"),
            default="present", doc="`present` leaves it stopped if it is; `restarted` stops and starts"),
        "instance_type": Arg(doc="`t3.small`; changed only while it is stopped, or with `state: restarted`"),
        "image_id": Arg(doc="`ami-…`, or a name as in `machines:`, like `debian-12`"),
        "image": Arg(type="dict", options={"id": Arg(doc="The same")}, doc="The image"),
        "key_name": Arg(doc="A key pair of the region"),
        "vpc_subnet_id": Arg(aliases=("subnet_id",), doc="The subnet; else a default one"),
        "availability_zone": Arg(doc="The zone"),
        "security_groups": Arg(type="list", elements="str", doc="Names or ids of its security groups"),
        "security_group": Arg(doc="The same for one"),
        "network": Arg(type="dict", doc="Of its first interface", options={
            "assign_public_ip": Arg(type="bool", doc="Give it a public address"),
            "private_ip_address": Arg(doc="Its address in the subnet"),
        }),
        "user_data": Arg(doc="What its first boot is told; only used when it is made"),
        "volumes": Arg(type="list", elements="dict", doc="Its disks; else the image's root disk, encrypted", options={
            "device_name": Arg(required=True, doc="`/dev/xvda`"),
            "ebs": Arg(type="dict", options=_DISK, doc="What it is"),
        }),
        "metadata_options": Arg(type="dict", doc="Its metadata service; else IMDSv2 within one hop", options={
            "http_endpoint": Arg(choices=("enabled", "disabled"), doc="Whether it answers"),
            "http_tokens": Arg(choices=("optional", "required"), doc="`required` is IMDSv2"),
            "http_put_response_hop_limit": Arg(type="int", doc="How far answers go; 2 reaches containers"),
        }),
        "iam_instance_profile": Arg(aliases=("instance_role",), doc="Name or ARN of its role"),
        "detailed_monitoring": Arg(type="bool", doc="By the minute, which costs"),
        "termination_protection": Arg(type="bool", doc="Refuse to terminate it"),
        "count": Arg(type="int", doc="Launch as many more, every time"),
        "exact_count": Arg(type="int", doc="Launch or terminate until there are as many; the oldest go first"),
        "wait": Arg(type="bool", default=True, doc="Wait until it is as it should be"),
        "wait_timeout": Arg(type="int", default=600, doc="Seconds"),
        **TAGS, **AWS,
    },
    required_one_of=(("name", "instance_ids", "filters", "tags"),),
    mutually_exclusive=(("count", "exact_count"), ("count", "instance_ids"), ("exact_count", "instance_ids"),
                        ("security_groups", "security_group"), ("image_id", "image")),
    notes="AWS is asked from the controller, through boto3 (`pip install 'provision[ec2]'`). An instance is made with "
          "a client token, so that a run that was killed does not make a second one. Unlike in amazon.aws, IMDSv2 is "
          "required and the root disk encrypted if nothing else is said.",
    examples="""
- name: A machine
  amazon.aws.ec2_instance:
    name: web-1
    region: eu-central-1
    instance_type: t3.small
    image_id: debian-12
    key_name: me
    security_group: web
    network: {assign_public_ip: true}
    tags: {role: web}
  register: made
""",
    returns={"instances": "as EC2 tells them: `instance_id`, `public_ip_address`, `state`, `tags` …",
             "instance_ids": "their ids", "changed_ids": "of new ones"},
)


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    return together(calls, SPEC, lambda asked: ec2_instance.ensure(
        aws.api_of(asked, Patience(change=asked.a.wait_timeout)), asked))
