"""From the declarations of a site to the resources that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioner.cloud.model import HostSettings, Ref, Wanted, bare_key, canonical, digest
from provisioner.cloud.settings import Machines
from provisioner.diag import Collector


def resources(declarations: Sequence[Machines], found: Collector) -> tuple[Wanted, ...]:
    """All resources of the declarations; names that two of them give are errors in `found`."""
    wanted: dict[Ref, Wanted] = {}
    for declaration in declarations:
        for each in _of_one(declaration):
            first = wanted.setdefault(each.ref, each)
            if first is each or (each.ref.kind in ("network", "key") and first.fields == each.fields):
                continue
            related = (("also here", first.span),) if first.span else ()
            found.error("Declared twice", f"{each.ref} is made by two entries of this site", each.span, related=related)
    return tuple(wanted.values())


def by_declaration(declarations: Sequence[Machines]) -> Mapping[str, tuple[Ref, ...]]:
    """What `--target NAME` means for the name of an entry."""
    return {each.name: tuple(wanted.ref for wanted in _of_one(each)) for each in declarations}


def volume_ref(machine: str, name: str) -> Ref:
    return Ref("volume", f"{machine}-{name}")


def _of_one(machines: Machines) -> Iterator[Wanted]:
    def make(ref: Ref, fields: Mapping[str, Any], needs: Sequence[Ref] = (),
             host: HostSettings | None = None) -> Wanted:
        return Wanted(ref, machines.place, fields, tuple(needs), host, machines.span)

    needs: list[Ref] = []
    for key in machines.keys:
        # Without one of its own keys, DigitalOcean makes a password for root and sends it by mail.
        needs.append(Ref("key", digest(bare_key(key))))
        yield make(needs[-1], {"public_key": bare_key(key)})
    if machines.network is not None:
        network = {"name": "network", "cidr": "10.20.0.0/16", **machines.network}
        needs.append(Ref("network", network["name"]))
        yield make(needs[-1], {"cidr": network["cidr"]})
    firewall = Ref("firewall", machines.name)
    yield make(firewall, {"rules": canonical(machines.rules)}, [need for need in needs if need.kind == "network"])
    needs.append(firewall)
    all_machines = [Ref("machine", name) for name in machines.names]
    for machine in all_machines:
        yield make(machine, _machine_fields(machines), needs, HostSettings(
            machines.user, machines.groups, {**machines.variables, **_volume_variables(machines)}, machines.keys,
            machines.user_data, machines.host_keys))
        for volume in machines.volumes:
            yield make(volume_ref(machine.name, volume["name"]),
                       {"size": volume["size"], "machine": machine.name}, [machine])
        if machines.reserved_ip:
            yield make(Ref("address", machine.name), {"machine": machine.name}, [machine])
    addresses = [Ref("address", ref.name) for ref in all_machines] if machines.reserved_ip else []
    for entry in machines.dns:
        name = str(entry["name"]).strip(".").lower()
        yield make(Ref("record", name), {
            "zone": str(entry.get("zone") or ".".join(name.split(".")[-2:])), "type": "A",
            "ttl": entry.get("ttl") or 300, "machines": sorted(machines.names)}, [*all_machines, *addresses])


def _machine_fields(machines: Machines) -> dict[str, Any]:
    return {
        "image": machines.image, "size": machines.size, "disk": machines.disk, "zone": machines.zone,
        "network": machines.network and str(machines.network.get("name") or "network"), "firewall": machines.name,
        "tags": dict(machines.tags), "running": True, "protected": machines.protected, "metadata": "restricted",
        "monitoring": machines.monitoring, "keys": digest(sorted(map(bare_key, machines.keys))),
        "user_data": digest(machines.user_data), "user": machines.user, "groups": ",".join(machines.groups),
    }


def _volume_variables(machines: Machines) -> dict[str, Any]:
    return {"machine_volumes": [dict(volume) for volume in machines.volumes]} if machines.volumes else {}
