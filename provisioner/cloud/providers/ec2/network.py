"""Networks: a VPC with a way to the internet and a subnet in each zone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.model import Found, Known, Ref, Wanted
from provisioner.cloud.provider import Effect, Order
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Answer, Api
from provisioner.cloud.providers.ec2.errors import code_of

EFFECTS: Final[Mapping[str, Effect]] = {"cidr": "replace"}

_SLOTS: Final = 8
"""A network is cut in as many equal parts, one for each zone; no region has more zones."""
_SMALLEST: Final = 28  # the longest prefix that AWS takes


class Networks:
    """The VPCs of a place."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def listed(self, site: str | None) -> Iterator[tuple[str, Found]]:
        vpcs = self._api.pages("describe_vpcs", "Vpcs", Filters=tags.wants(site))
        for ref, told, vpc in tags.named("network", vpcs):
            yield told[tags.SITE], self._found(ref, vpc)

    def create(self, order: Order) -> Found:
        """The VPC; its parts are made by what is made again if it was interrupted."""
        mine = tags.by(tags.TOKEN, order.token)
        vpc = self._api.create(
            "create_vpc", lambda: _first(self._api.call("describe_vpcs", Filters=mine), "Vpcs", "Vpc"),
            CidrBlock=order.wanted.fields["cidr"], TagSpecifications=tags.specification(vpc=tags.identity(order)),
        )["Vpc"]
        found = self._found(order.wanted.ref, vpc)
        self._complete(found, order.site)
        return found

    def update(self, found: Found, wanted: Wanted, fields: Sequence[str], known: Known) -> Found:
        raise Refused(f"{found.place}: a VPC keeps its addresses; {found.ref} has to be made anew")

    def delete(self, found: Found) -> None:
        """With its parts. What is in use by machines of somebody else is left, and told."""
        again = ("DependencyViolation",)
        for subnet in self._subnets(found.id):
            self._api.if_there("delete_subnet", SubnetId=subnet["SubnetId"], again=again)
        for identity, is_attached in self._gateways(found.id).items():
            if is_attached:
                self._api.if_there("detach_internet_gateway", InternetGatewayId=identity, VpcId=found.id, again=again)
            self._api.if_there("delete_internet_gateway", InternetGatewayId=identity, again=again)
        self._api.if_there("delete_vpc", VpcId=found.id, again=again)

    def look(self, found: Found) -> Found:
        answer = self._api.if_there("describe_vpcs", VpcIds=[found.id])
        if answer is None:
            raise Gone(f"{found.place}: {found.ref} ({found.id}) is not there any more")
        return self._found(found.ref, answer["Vpcs"][0])

    def subnet(self, network: Found, site: str, zone: str | None, offered: Set[str]) -> str:
        """The id of its subnet in `zone`, or in the first zone that is `offered`."""
        subnets = self._subnets(network.id)
        if not subnets or not all(each["MapPublicIpOnLaunch"] for each in subnets):  # what is set last of all
            subnets = self._complete(network, site)
        by_zone = {subnet["AvailabilityZone"]: str(subnet["SubnetId"]) for subnet in subnets}
        usable = [zone] if zone else sorted(set(by_zone) & offered)
        for each in usable:
            if each in by_zone:
                return by_zone[each]
        raise Refused(f"{network.place}: {network.ref} has no subnet in {zone or 'a zone with machines of this size'}",
                      hint=f"it has: {', '.join(sorted(by_zone))}")

    def _complete(self, network: Found, site: str) -> list[Mapping[str, Any]]:
        """Make what is missing of its parts; gives its subnets."""
        own = tags.part(site, network.ref.name, f"{network.id}")
        self._connect(network.id, own)
        there = {subnet["CidrBlock"] for subnet in self._subnets(network.id)}
        zones = self._api.call("describe_availability_zones",
                               Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}])["AvailabilityZones"]
        names = sorted(zone["ZoneName"] for zone in zones if zone["State"] == "available")
        for zone, cidr in zip(names, parts(network.fields["cidr"]), strict=False):
            if cidr not in there:
                self._add_subnet(network.id, zone, cidr, own)
        subnets = self._subnets(network.id)
        for subnet in subnets:
            if not subnet["MapPublicIpOnLaunch"]:
                self._api.call("modify_subnet_attribute", SubnetId=subnet["SubnetId"],
                               MapPublicIpOnLaunch={"Value": True})
        return subnets

    def _connect(self, vpc: str, own: Mapping[str, str]) -> None:
        """An internet gateway, and the way to it in the VPC's main route table."""
        mine = tags.by(tags.TOKEN, own[tags.TOKEN])
        gateway = self._api.create(
            "create_internet_gateway",
            lambda: _first(self._api.call("describe_internet_gateways", Filters=mine), "InternetGateways",
                           "InternetGateway"),
            TagSpecifications=tags.specification(internet_gateway=own),
        )["InternetGateway"]
        identity = gateway["InternetGatewayId"]
        if not gateway.get("Attachments"):
            self._unless("Resource.AlreadyAssociated", "attach_internet_gateway", InternetGatewayId=identity, VpcId=vpc)
        main = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
        table = self._api.call("describe_route_tables", Filters=main)["RouteTables"][0]
        if not any(route.get("DestinationCidrBlock") == "0.0.0.0/0" for route in table["Routes"]):
            self._unless("RouteAlreadyExists", "create_route", RouteTableId=table["RouteTableId"],
                         DestinationCidrBlock="0.0.0.0/0", GatewayId=identity)

    def _gateways(self, vpc: str) -> Mapping[str, bool]:
        """Ids, and whether they are attached: a killed run may have left one that is not yet, or no more."""
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        return {gateway["InternetGatewayId"]: bool(gateway.get("Attachments"))
                for filters in (attached, tags.by(tags.TOKEN, vpc))
                for gateway in self._api.call("describe_internet_gateways", Filters=filters)["InternetGateways"]}

    def _add_subnet(self, vpc: str, zone: str, cidr: str, own: Mapping[str, str]) -> None:
        """Two subnets cannot have the same addresses: a second one cannot be made."""
        answer = self._unless("InvalidSubnet.Conflict", "create_subnet", VpcId=vpc, AvailabilityZone=zone,
                              CidrBlock=cidr, TagSpecifications=tags.specification(subnet=own))
        if answer is not None:
            self._api.created(answer)

    def _subnets(self, vpc: str) -> list[Mapping[str, Any]]:
        return self._api.pages("describe_subnets", "Subnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])

    def _unless(self, code: str, operation: str, **arguments: Any) -> Answer | None:
        """The call's answer, or None where it was made before, as `code` says."""
        try:
            return self._api.call(operation, **arguments)
        except Refused as error:
            if code_of(error.__cause__) != code:
                raise
            return None

    def _found(self, ref: Ref, vpc: Mapping[str, Any]) -> Found:
        return Found(ref, self._api.place, vpc["VpcId"], {"cidr": vpc["CidrBlock"]}, tags.generation(tags.of(vpc)))


def parts(cidr: str) -> list[str]:
    """The addresses of the subnets, one for each zone; of a small network all of it, in one zone."""
    network = ipaddress.IPv4Network(cidr)
    more = _SLOTS.bit_length() - 1
    if network.prefixlen + more > _SMALLEST:
        return [cidr]
    return [str(part) for part in network.subnets(prefixlen_diff=more)]


def problem(cidr: str) -> str:
    """Why AWS would not take these addresses for a VPC; "" if it would."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        return f"`cidr`: {error}"
    if not 16 <= network.prefixlen <= _SMALLEST:
        return f"`cidr`: a VPC is between /16 and /{_SMALLEST}, not /{network.prefixlen}"
    return ""


def _first(answer: Answer, many: str, one: str) -> Answer | None:
    return {one: answer[many][0]} if answer[many] else None
