"""Firewalls: security groups. Only what comes in is limited; what goes out is what EC2 allows a new group: all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted, canonical
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.errors import code_of

EFFECTS: Final[Mapping[str, Effect]] = {"rules": "update"}

_ALL: Final = -1
RACED: Final = ("InvalidPermission.Duplicate", "InvalidPermission.NotFound")
_SOURCES: Final = (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"),
                   ("PrefixListIds", "PrefixListId"))


class Permission(NamedTuple):
    """One source for one range of ports, as EC2 counts rules. kind: the list of EC2 it stands in."""

    protocol: str
    first: int
    last: int
    kind: str
    source: str


def group_name(site: str, group: str) -> str:
    """The firewall's name in the site; of others' groups the name at EC2."""
    return group.removeprefix(f"{site}-")


class Firewalls:
    """The security groups of a place."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def listed(self, site: str | None) -> Iterator[tuple[str, Found]]:
        groups = self._api.pages("describe_security_groups", "SecurityGroups", Filters=tags.wants(site))
        for ref, told, group in tags.named("firewall", groups):
            yield told[tags.SITE], self._found(ref, group)

    def create(self, order: Order) -> Found:
        """In the VPC of the network it needs. The name of a group is unique there: a second one cannot be made."""
        wanted = order.wanted
        network = next((need for need in wanted.needs if need.kind == "network"), None)
        vpc = order.known[network].id if network else default_vpc(self._api)
        name = f"{order.site}-{wanted.ref.name}"
        try:
            identity = self._api.created(self._api.call(
                "create_security_group", GroupName=name, VpcId=vpc, Description=f"{wanted.ref.name} of {order.site}",
                TagSpecifications=tags.specification(security_group=tags.identity(order)),
            ))["GroupId"]
        except Refused as error:
            if code_of(error.__cause__) != "InvalidGroup.Duplicate":
                raise
            identity = self._earlier(order, name, vpc)
        self._let_in(identity, wanted.fields["rules"])
        return self._found(wanted.ref, self._described(identity))

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        self._let_in(found.id, wanted.fields["rules"])
        return self.look(found)

    def delete(self, found: Found) -> None:
        """A machine that was terminated a moment ago may still count as a user of it."""
        self._api.if_there("delete_security_group", GroupId=found.id, again=("DependencyViolation",))

    def look(self, found: Found) -> Found:
        if self._api.if_there("describe_security_groups", GroupIds=[found.id]) is None:
            raise Gone(f"{found.place}: {found.ref} ({found.id}) is not there any more")
        return self._found(found.ref, self._described(found.id))

    def _earlier(self, order: Order, name: str, vpc: str) -> str:
        filters = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
        for group in self._api.call("describe_security_groups", Filters=filters)["SecurityGroups"]:
            if tags.of(group).get(tags.TOKEN) == order.token:
                return str(group["GroupId"])
        raise Refused(f"{self._api.place}: there is a security group `{name}` already that this attempt has not made",
                      hint="delete it at EC2, or give the firewall another name")

    def _let_in(self, identity: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """First what is missing, then what is too much: nobody is shut out in between."""
        wanted = {permission for rule in rules for permission in _permissions(rule)}
        for _ in range(3):
            there = set(present(self._described(identity)))
            try:
                self._change("authorize_security_group_ingress", identity, wanted - there)
                self._change("revoke_security_group_ingress", identity, there - wanted)
            except (Refused, Gone) as error:
                if code_of(error.__cause__) not in RACED:
                    raise
                continue  # an answer that was lost, or somebody else: look again
            return
        raise Refused(f"{self._api.place}: somebody else keeps changing the security group {identity}",
                      hint="apply again when they are done")

    def _change(self, operation: str, identity: str, permissions: set[Permission]) -> None:
        if permissions:
            self._api.call(operation, GroupId=identity, IpPermissions=[told(each) for each in sorted(permissions)])

    def _described(self, identity: str) -> Mapping[str, Any]:
        group: Mapping[str, Any] = self._api.call("describe_security_groups", GroupIds=[identity])["SecurityGroups"][0]
        return group

    def _found(self, ref: Ref, group: Mapping[str, Any]) -> Found:
        rules = [{"protocol": "icmp" if each.protocol == "icmpv6" else each.protocol, "from_port": each.first,
                  "to_port": each.last, "sources": [each.source]} for each in present(group)]
        return Found(ref, self._api.place, group["GroupId"], {"rules": canonical(rules)},
                     tags.generation(tags.of(group)), more={"vpc": group["VpcId"]})


def default_vpc(api: Api) -> str:
    vpcs = api.call("describe_vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise Refused(f"{api.place}: the account has no default VPC here",
                      hint="declare a `network`, or make the default VPC: `aws ec2 create-default-vpc`")
    return str(vpcs[0]["VpcId"])


def _permissions(rule: Mapping[str, Any]) -> Iterator[Permission]:
    """ICMP is let in as a whole: it has no ports, and IPv6 has a protocol of its own for it."""
    for source in rule["sources"]:
        is_new = ":" in source
        protocol, first, last = rule["protocol"], rule["from_port"], rule["to_port"]
        if protocol == "icmp":
            protocol, first, last = "icmpv6" if is_new else "icmp", _ALL, _ALL
        yield Permission(protocol, first, last, "Ipv6Ranges" if is_new else "IpRanges", source)


def present(group: Mapping[str, Any]) -> Iterator[Permission]:
    """All that comes in, also what is nothing we write: other protocols, groups and prefix lists as sources."""
    for rule in group.get("IpPermissions", ()):
        first, last = rule.get("FromPort", _ALL), rule.get("ToPort", _ALL)
        for kind, key in _SOURCES:
            for source in rule.get(kind, ()):
                yield Permission(rule["IpProtocol"], first, last, kind, source[key])


def told(permission: Permission) -> dict[str, Any]:
    source = {dict(_SOURCES)[permission.kind]: permission.source}
    rule: dict[str, Any] = {"IpProtocol": permission.protocol, permission.kind: [source]}
    if permission.protocol != "-1":
        rule |= {"FromPort": permission.first, "ToPort": permission.last}
    return rule
