"""What an entry of `machines:` may say, as one typed and checked value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioner.cloud.model import Place
from provisioner.cloud.providers import PROVIDERS
from provisioner.diag import Collector, Span
from provisioner.remote.spec import Arg, Problem, Spec

ANYWHERE: Final = ("0.0.0.0/0", "::/0")
_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,40}[a-z0-9])?")
_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_KEY: Final = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*( |$)")

_ALLOW: Final = {
    "port": Arg(type="raw", doc='A port, or a range ("8000-8100"); not for icmp'),
    "protocol": Arg(default="tcp", choices=("tcp", "udp", "icmp"), doc="What is let in"),
    "from": Arg(type="list", elements="str", default=list(ANYWHERE), doc="Addresses or networks; by default any"),
}

SPEC: Final = Spec(
    name="machines",
    summary="Machines that exist before any task runs",
    args={
        "name": Arg(required=True, doc="With a `count` the machines are called name-1, name-2 …"),
        "count": Arg(type="int", doc="How many; without it there is one, with just this name"),
        "provider": Arg(required=True, choices=tuple(PROVIDERS), doc="Who makes them"),
        "region": Arg(default="", doc="Where: eu-central-1, fra1 …"),
        "zone": Arg(doc="The availability zone, where a provider has them"),
        "size": Arg(default="", aliases=("type", "instance_type"), doc="t3.small, s-2vcpu-4gb …"),
        "image": Arg(default="debian-12", doc="debian-12, ubuntu-24.04 …, or what the provider calls it"),
        "disk": Arg(type="int", doc="GiB of the root disk; by default what the size or image has"),
        "ssh_keys": Arg(type="list", elements="str", required=True, doc="Public keys, or files with one"),
        "user": Arg(default="deploy", doc="Who logs in; has these keys, no password, and may sudo"),
        "groups": Arg(type="list", elements="str", default=[], doc="Groups of the inventory"),
        "vars": Arg(type="dict", default={}, doc="Variables of the hosts"),
        "tags": Arg(type="dict", default={}, doc="Tags of your own"),
        "firewall": Arg(
            type="dict", default={}, doc="What comes in; by default SSH alone",
            options={"allow": Arg(type="list", elements="dict", options=_ALLOW, default=[{"port": 22}], doc="Rules")},
        ),
        "network": Arg(type="dict", doc="A private network of the site's own; by default the provider's default one",
                       options={"name": Arg(default="network"), "cidr": Arg(default="10.20.0.0/16")}),
        "reserved_ip": Arg(type="bool", default=False, aliases=("elastic_ip",), doc="An address that stays"),
        "volumes": Arg(
            type="list", elements="dict", default=[], doc="Further disks of each machine, attached and empty",
            options={"name": Arg(required=True), "size": Arg(type="int", required=True, doc="GiB"),
                     "mount": Arg(doc="Where it is to be mounted, for your tasks: `machine_volumes` has it"),
                     "filesystem": Arg(default="ext4", doc="What your tasks make on it")},
        ),
        "dns": Arg(
            type="list", elements="dict", default=[], doc="Names that all these machines answer for",
            options={"name": Arg(required=True), "zone": Arg(doc="By default the last two words of the name"),
                     "ttl": Arg(type="int", default=300)},
        ),
        "user_data": Arg(default="", doc="cloud-init user data of your own; a text or @FILE"),
        "protected": Arg(type="bool", default=False, doc="Never deleted nor replaced while this is true"),
        "monitoring": Arg(type="bool", default=False, doc="The provider's monitoring agent"),
        "profile": Arg(default="", doc="Named credentials: a profile of AWS, a context of doctl"),
        "account": Arg(default="", doc="The account that the credentials must belong to"),
        "endpoint": Arg(default="", doc="Another address of the provider's API"),
        "host_keys": Arg(default="auto", choices=("auto", "console", "inject"), doc="How the host's key gets known"),
        "load_balancer": Arg(type="raw", doc="Not there yet"),
    },
    examples="""
- name: web
  count: 2
  provider: ec2
  region: eu-central-1
  size: t3.small
  image: debian-12
  ssh_keys: [~/.ssh/id_ed25519.pub]
  firewall: {allow: [{port: 22, from: [203.0.113.0/24]}, {port: 80}, {port: 443}]}
  groups: [web]
""",
)


@dataclass(frozen=True, slots=True)
class Machines:
    """One declaration. keys: public keys as text. rules: as `cloud.model` says of a firewall."""

    name: str
    count: int | None
    place: Place
    zone: str | None
    size: str
    image: str
    disk: int | None
    keys: tuple[str, ...]
    user: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]
    tags: Mapping[str, str]
    rules: tuple[Mapping[str, Any], ...]
    network: Mapping[str, Any] | None
    reserved_ip: bool
    volumes: tuple[Mapping[str, Any], ...]
    dns: tuple[Mapping[str, Any], ...]
    user_data: str
    protected: bool
    monitoring: bool
    host_keys: str
    span: Span

    @property
    def names(self) -> tuple[str, ...]:
        if self.count is None:
            return (self.name,)
        return tuple(f"{self.name}-{number}" for number in range(1, self.count + 1))


def read(values: Mapping[str, Any], span: Span, places: Mapping[str, Span], read_file: Callable[[str], str],
         found: Collector) -> Machines | None:
    """One entry; None and errors in `found` if it is wrong. read_file: the text of a file, by the name that the user
    wrote; raises OSError."""
    problems = [*SPEC.problems(values)]
    problems = problems or [*_problems(values)]
    keys: list[str] = []
    own_data = str(values.get("user_data") or "")
    if not problems:
        for name in SPEC.bind(values).ssh_keys:
            problems += _add_key(str(name), keys, read_file)
        if own_data.startswith("@"):
            try:
                own_data = read_file(own_data[1:])
            except OSError as error:
                problems.append(Problem("user_data", f"`user_data`: {own_data[1:]}: {error.strerror}"))
    for problem in problems:
        found.error("Wrong machines", problem.message, places.get(problem.argument, span), hint=problem.hint)
    if problems:
        return None
    a = SPEC.bind(values)
    return Machines(
        a.name, a.count, Place(a.provider, a.region, a.profile, str(a.account), a.endpoint), a.zone, a.size, a.image,
        a.disk, tuple(keys), a.user, tuple(a.groups), a.vars, {key: str(value) for key, value in a.tags.items()},
        tuple(_rule(rule) for rule in _allowed(values)), a.network, a.reserved_ip, tuple(a.volumes), tuple(a.dns),
        own_data, a.protected, a.monitoring, a.host_keys, span)


def _problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    a = SPEC.bind(values)
    if a.load_balancer is not None:
        yield Problem("load_balancer", "load balancers are not supported yet",
                      "give `dns` the name instead: it gets the addresses of all machines")
    for argument, name in (("name", a.name), ("user", a.user), *(("volumes", volume["name"]) for volume in a.volumes)):
        if not _NAME.fullmatch(str(name)):
            yield Problem(argument, f"`{name}` is no name for this", "use a-z, 0-9 and -, starting with a letter")
    if a.count is not None and not 0 <= a.count <= 500:
        yield Problem("count", f"`count: {a.count}` is not between 0 and 500")
    if a.provider != "lab":
        for argument in ("region", "size"):
            if not getattr(a, argument):
                yield Problem("", f"`machines` of {a.provider} need a `{argument}`", f"add `{argument}: …`")
    for rule in _allowed(values):
        yield from _rule_problems(rule)
    if a.network is not None:
        yield from _network_problems("network", a.network.get("cidr", "10.20.0.0/16"), ("network", "cidr"))
    for entry in a.dns:
        if "." not in str(entry["name"]).strip("."):
            yield Problem("dns", f"`{entry['name']}` is no domain name")


def _allowed(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The firewall's rules with defaults: a list in a mapping is not given them by the table."""
    firewall = SPEC.bind(values).firewall
    given = firewall.get("allow") if firewall.get("allow") is not None else [{"port": 22}]
    return [{**{name: arg.default for name, arg in _ALLOW.items()}, **rule} for rule in given]


def _rule_problems(rule: Mapping[str, Any]) -> Iterator[Problem]:
    ports = _PORTS.fullmatch(str(rule["port"]))
    if rule["protocol"] == "icmp":
        if rule["port"] is not None:
            yield Problem("firewall", "a rule for icmp has no port")
    elif not ports or not 0 < int(ports[1]) <= int(ports[2] or ports[1]) <= 65535:
        yield Problem("firewall", f"`port: {rule['port']}` is neither a port nor a range", 'as in 443 or "8000-8100"')
    for source in rule["from"]:
        yield from _network_problems("firewall", source, ("firewall", "from"))


def _network_problems(argument: str, text: Any, where: tuple[str, str]) -> Iterator[Problem]:
    try:
        ipaddress.ip_network(str(text))
    except ValueError as error:
        yield Problem(argument, f"`{where[1]}` of `{where[0]}`: {error}", "as in 203.0.113.0/24")


def _rule(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    sources = [str(ipaddress.ip_network(str(source))) for source in rule["from"]]
    if rule["protocol"] == "icmp":
        return {"protocol": "icmp", "from_port": -1, "to_port": -1, "sources": sources}
    ports = _PORTS.fullmatch(str(rule["port"]))
    assert ports is not None
    return {"protocol": rule["protocol"], "from_port": int(ports[1]), "to_port": int(ports[2] or ports[1]),
            "sources": sources}


def _add_key(name: str, keys: list[str], read_file: Callable[[str], str]) -> Iterator[Problem]:
    """Append the public keys that `name` means."""
    text = name
    if not _KEY.match(name):
        try:
            text = read_file(name)
        except OSError as error:
            yield Problem("ssh_keys", f"`{name}` is no public key, and as a file: {error.strerror}",
                          "make one with `ssh-keygen -t ed25519`, or write the key itself")
            return
    if "PRIVATE KEY" in text:
        yield Problem("ssh_keys", f"`{name}` is a private key", f"name the public one: {name}.pub")
        return
    mine = [line.strip() for line in text.splitlines() if _KEY.match(line.strip())]
    if not mine:
        yield Problem("ssh_keys", f"`{name}` holds no public key", "as in `ssh-ed25519 AAAA… name`")
    keys += [key for key in mine if key not in keys]
