"""A security group of EC2 with its rules, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.errors import code_of
from provisioner.cloud.providers.ec2.firewall import RACED, Permission, default_vpc, present
from provisioner.cloud.providers.ec2.firewall import told as as_rule
from provisioner.cloud.tasks.asked import Asked, Change, NotYet, Result, carried_out, plain, told
from provisioner.cloud.tasks.aws import as_texts, filters, tag_changes

_ALL: Final = -1


def ensure(api: Api, asked: Asked) -> Result:
    a = asked.a
    vpc = a.vpc_id or ("" if a.group_id else default_vpc(api))
    there = _there(api, a, vpc)
    if a.state == "absent":
        if there is not None and not asked.check:
            api.if_there("delete_security_group", GroupId=there["GroupId"], again=("DependencyViolation",))
        gone = there and there["GroupId"]
        return {**told(asked, {"group": gone}, {"group": None}), "group_id": None}
    if there is not None and a.description and there["Description"] != a.description:
        asked.warn(f"{there['GroupId']} keeps its description `{there['Description']}`: EC2 cannot change it")
    if there is None:
        return _made(api, asked, vpc)
    changes = [*_rule_changes(api, a, there), *_tag_changes(api, a, there)]
    result = carried_out(asked, changes)
    return {**result, **plain(there if asked.check or not changes else _described(api, there["GroupId"]))}


def _made(api: Api, asked: Asked, vpc: str) -> Result:
    a = asked.a
    if not (a.name and a.description):
        raise Refused(f"{api.place}: there is no such security group, and none can be made without `name` and "
                      "`description`", hint="give both, or mend `group_id`")
    nothing: Mapping[str, Any] = {"GroupId": "", "GroupName": a.name, "VpcId": vpc, "IpPermissionsEgress": []}
    wanted = {name: sorted(_wanted(api, rules, vpc, nothing)) for name, _, rules in _directions(a) if rules is not None}
    result = told(asked, {}, {"group": a.name, "vpc_id": vpc, **wanted})
    if asked.check:
        return {**result, "group_name": a.name, "vpc_id": vpc, "description": a.description, "tags": a.tags or {}}
    own = as_texts(a.tags)
    try:
        id = api.created(api.call(
            "create_security_group", GroupName=a.name, VpcId=vpc, Description=a.description,
            TagSpecifications=tags.specification(security_group=own) if own else []))["GroupId"]
    except Refused as error:  # by an earlier try whose answer was lost: the name is unique in the VPC
        group = _there(api, a, vpc) if code_of(error.__cause__) == "InvalidGroup.Duplicate" else None
        if group is None:
            raise
        id = group["GroupId"]
    for change in _rule_changes(api, a, _described(api, id)):
        change.make()
    return {**result, **plain(_described(api, id))}


def _tag_changes(api: Api, a: Any, there: Mapping[str, Any]) -> Iterator[Change]:
    if a.tags is not None:
        yield from tag_changes(api, there["GroupId"], tags.of(there), a.tags, purge=a.purge_tags)


def _directions(a: Any) -> tuple[tuple[str, bool, Sequence[Mapping[str, Any]] | None], ...]:
    """Name, whether what is not listed goes, rules or None for "as they are"."""
    return ("ingress", a.purge_rules, a.rules), ("egress", a.purge_rules_egress, a.rules_egress)


def _rule_changes(api: Api, a: Any, group: Mapping[str, Any]) -> Iterator[Change]:
    for name, purge, rules in _directions(a):
        if rules is None:
            continue
        key = "IpPermissions" if name == "ingress" else "IpPermissionsEgress"
        there = set(present({"IpPermissions": group.get(key, ())}))
        wanted = _wanted(api, rules, group["VpcId"], group)
        gone = there - wanted if purge else set()
        if wanted - there or gone:
            yield Change(name, sorted(there), sorted((there | wanted) - gone),
                         partial(_mend, api, group["GroupId"], name, wanted - there, gone))


def _mend(api: Api, id: str, direction: str, new: set[Permission], gone: set[Permission]) -> None:
    """First what is missing, then what is too much. What somebody else was quicker with is fine."""
    for verb, permissions in (("authorize", new), ("revoke", gone)):
        for each in sorted(permissions):
            try:
                api.call(f"{verb}_security_group_{direction}", GroupId=id, IpPermissions=[as_rule(each)])
            except (Refused, Gone) as error:
                if code_of(error.__cause__) not in RACED:
                    raise


def _wanted(api: Api, rules: Sequence[Mapping[str, Any]], vpc: str, own: Mapping[str, Any]) -> set[Permission]:
    return {Permission(_protocol(rule), first, last, kind, source)
            for rule in rules for first, last in _ports(rule) for kind, source in _sources(api, rule, vpc, own)}


def _protocol(rule: Mapping[str, Any]) -> str:
    return {"all": "-1"}.get(rule["proto"], str(rule["proto"]))


def _ports(rule: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    if _protocol(rule) == "-1":
        yield _ALL, _ALL
    elif rule.get("icmp_type") is not None:
        yield rule["icmp_type"], _ALL if rule.get("icmp_code") is None else rule["icmp_code"]
    elif rule.get("ports"):
        for each in rule["ports"]:
            first, dash, last = str(each).partition("-")
            if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
                raise Refused(f"{each!r} is no port", hint="write `443` or `8000-8100`")
            yield int(first), int(last if dash else first)
    else:
        first_port = _ALL if rule.get("from_port") is None else rule["from_port"]
        last_port = rule.get("to_port")
        yield first_port, (first_port if last_port is None else last_port)


def _sources(api: Api, rule: Mapping[str, Any], vpc: str, own: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = [(kind, source) for key, kind in (("cidr_ip", "IpRanges"), ("cidr_ipv6", "Ipv6Ranges"),
                                              ("group_id", "UserIdGroupPairs"), ("ip_prefix", "PrefixListIds"))
             for source in rule.get(key) or ()]
    found += [("UserIdGroupPairs", own["GroupId"] if name == own["GroupName"] else group_id(api, name, vpc))
              for name in rule.get("group_name") or ()]
    if not found:
        raise Refused(f"a rule for {rule['proto']} says nothing of whom it is for",
                      hint="give it `cidr_ip`, `cidr_ipv6`, `group_id`, `group_name` or `ip_prefix`")
    yield from found


def group_id(api: Api, name: str, vpc: str) -> str:
    """Of a name or an id."""
    if name.startswith("sg-"):
        return name
    groups = _listed(api, {"group-name": name, "vpc-id": vpc})
    if not groups:
        raise NotYet(f"{api.place}: {vpc} has no security group `{name}`", hint="mend the name, or make it first")
    return str(groups[0]["GroupId"])


def _there(api: Api, a: Any, vpc: str) -> Mapping[str, Any] | None:
    groups = _listed(api, {"group-id": a.group_id} if a.group_id else {"group-name": a.name, "vpc-id": vpc})
    return groups[0] if groups else None


def _listed(api: Api, wanted: Mapping[str, str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = api.call("describe_security_groups", Filters=filters(wanted))["SecurityGroups"]
    return found


def _described(api: Api, id: str) -> Mapping[str, Any]:
    group: Mapping[str, Any] = api.call("describe_security_groups", GroupIds=[id])["SecurityGroups"][0]
    return group
