"""`ec2_security_group`: a firewall of EC2. The work is in `provisioner.cloud.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from provisioner.actions.base import Driving
from provisioner.actions.cloud import AWS, TAGS, together
from provisioner.cloud.tasks import aws, ec2_group
from provisioner.remote.spec import Arg, Spec
from provisioner.values import HostName

_RULE: Final[Mapping[str, Arg]] = {
    "proto": Arg(default="tcp", doc="tcp, udp, icmp, icmpv6, a number, or `all`"),
    "from_port": Arg(type="int", doc="The first port"),
    "to_port": Arg(type="int", doc="The last port"),
    "ports": Arg(type="list", doc="Ports and ranges of them: 443, 8000-8100"),
    "icmp_type": Arg(type="int", doc="With icmp"),
    "icmp_code": Arg(type="int", doc="With icmp"),
    "cidr_ip": Arg(type="list", elements="str", doc="IPv4 networks"),
    "cidr_ipv6": Arg(type="list", elements="str", doc="IPv6 networks"),
    "group_id": Arg(type="list", elements="str", doc="Members of these groups"),
    "group_name": Arg(type="list", elements="str", doc="Members of these groups of the same VPC"),
    "ip_prefix": Arg(type="list", elements="str", doc="Prefix lists"),
}
SPEC = Spec(
    name="ec2_security_group",
    summary="Make a security group of EC2 have these rules",
    check="predict",
    identity=("name", "group_id", "region"),
    args={
        "name": Arg(aliases=("group_name",), doc="Its name in the VPC"),
        "group_id": Arg(doc="Its id instead"),
        "description": Arg(doc="What it is for; EC2 never changes it"),
        "vpc_id": Arg(doc="The VPC; else the default one"),
        "rules": Arg(type="list", elements="dict", options=_RULE, doc="What comes in; without it: as it is"),
        "rules_egress": Arg(type="list", elements="dict", options=_RULE, doc="What goes out; without it: as it is"),
        "purge_rules": Arg(type="bool", default=True, doc="Take away rules that are not in `rules`"),
        "purge_rules_egress": Arg(type="bool", default=True, doc="Take away rules that are not in `rules_egress`"),
        "state": Arg(choices=("present", "absent"), default="present", doc="Whether it is to be there"),
        **TAGS, **AWS,
    },
    required_one_of=(("name", "group_id"),),
    notes="AWS is asked from the controller, through boto3 (`pip install 'provision[ec2]'`). Deleting waits up to ten "
          "minutes for instances that are still going.",
    examples="""
- name: A firewall
  amazon.aws.ec2_security_group:
    name: web
    description: the web servers
    region: eu-central-1
    rules:
      - {proto: tcp, ports: [80, 443], cidr_ip: 0.0.0.0/0}
      - {proto: tcp, ports: [22], cidr_ip: 203.0.113.0/24}
""",
    returns={"group_id": "its id", "ip_permissions": "its rules as EC2 tells them", "vpc_id": "where it is"},
)


def run_batch(calls: Sequence[Driving]) -> Mapping[HostName, Mapping[str, Any]]:
    return together(calls, SPEC, lambda asked: ec2_group.ensure(aws.api_of(asked), asked))
