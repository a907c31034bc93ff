"""`provision apply` and `provision destroy` as whole processes that are killed at every step of their work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.testing import digitalocean as do
from provisioner.testing.aws import Aws
from tests.cloud import mortal

KILLED = -9
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me"
REGION = "eu-central-1"


@dataclass(frozen=True)
class Cloud:
    """A stand-in. declared: what its entry of `machines` says beside what all say. sizes: one and a larger one. there:
    what the account has now, by kind and name, looked up behind everybody's back. reset: makes it new."""

    declared: Mapping[str, Any]
    sizes: tuple[str, str]
    there: Callable[[], Sequence[str]]
    reset: Callable[[], None]


@pytest.fixture
def at_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    file = tmp_path / "cloud.json"
    monkeypatch.setenv(mortal.FILE, str(file))

    def there() -> list[str]:
        resources = json.loads(file.read_text())["resources"].values() if file.exists() else ()
        return sorted(" ".join([*each["ref"], str(each["fields"].get("size")), str(each["fields"].get("image"))])
                      for each in resources)

    return Cloud({"provider": "file", "region": "here"}, ("small", "big"), there, lambda: file.unlink(missing_ok=True))


@pytest.fixture
def at_ec2(aws: Aws) -> Cloud:
    def reset() -> None:
        aws.reset()
        aws.add_zone("example.com")

    def named(thing: Any) -> str:
        return next((tag["Value"] for tag in thing.get("Tags", ()) if tag["Key"] == "Name"), "")

    def there() -> list[str]:
        ec2, dns = aws.client("ec2"), aws.client("route53")
        instances = [each for reservation in ec2.describe_instances()["Reservations"]
                     for each in reservation["Instances"] if each["State"]["Name"] != "terminated"]
        names = {each["InstanceId"]: named(each) for each in instances}
        zone = dns.list_hosted_zones()["HostedZones"][0]["Id"]
        records = dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return sorted([
            *(f"machine {named(each)} {each['State']['Name']} {each['InstanceType']} {each['ImageId']}"
              for each in instances),
            *(f"volume {named(each)} at {[names.get(at['InstanceId']) for at in each['Attachments']]}"
              for each in ec2.describe_volumes()["Volumes"]),
            *(f"address {named(each)} at {names.get(each.get('InstanceId', ''))}"
              for each in ec2.describe_addresses()["Addresses"]),
            *(f"group {each['GroupName']} {len(each['IpPermissions'])}"
              for each in ec2.describe_security_groups()["SecurityGroups"] if each["GroupName"] != "default"),
            *(f"network {named(each)}" for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]),
            *(f"subnet {named(each)}" for each in ec2.describe_subnets()["Subnets"] if not each["DefaultForAz"]),
            *(f"gateway {named(each)}" for each in ec2.describe_internet_gateways()["InternetGateways"]),
            *(f"record {each['Name']} {len(each['ResourceRecords'])}"
              for each in records if each["Type"] in ("A", "TXT")),
        ])

    reset()
    declared = {"provider": "ec2", "region": REGION, "endpoint": aws.url, "disk": 20}
    return Cloud(declared, ("t3.small", "t3.medium"), there, reset)


@pytest.fixture
def at_digitalocean(digitalocean: do.Fake) -> Cloud:
    def reset() -> None:
        digitalocean.world = do.World(domains={"example.com": {}})

    def there() -> list[str]:
        world = digitalocean.world
        names = {number: each["name"] for number, each in world.droplets.items()}
        return sorted([
            *(f"machine {each['name']} {each['status']} {each['size_slug']} {each['image']['slug']}"
              for each in world.droplets.values()),
            *(f"volume {each['name']} at {[names.get(at) for at in each['droplet_ids']]}"
              for each in world.volumes.values()),
            *(f"address at {each['droplet'] and each['droplet']['name']}" for each in world.reserved.values()),
            *(f"firewall {each['name']} {len(each['inbound_rules'])}" for each in world.firewalls.values()),
            *(f"network {each['name']}" for each in world.vpcs.values() if not each["default"]),
            *(f"key {each['name']}" for each in world.keys.values()),
            *(f"record {each['name']} {each['type']}" for each in world.domains["example.com"].values()),
        ])

    reset()
    return Cloud({"provider": "digitalocean", "region": "fra1", "endpoint": digitalocean.url},
                 ("s-1vcpu-1gb", "s-2vcpu-2gb"), there, reset)


@dataclass(frozen=True)
class Phase:
    """A command in the life of a site. size: 0 or 1 of the cloud's. lists: the command of `provision
    cloud` that then must tell nothing."""

    words: tuple[str, ...]
    size: int
    image: str
    lists: str = "orphans"


PHASES: Mapping[str, Phase] = {
    "make": Phase(("apply", "-y"), 0, "debian-12"),
    "resize": Phase(("apply", "-y"), 1, "debian-12"),
    "replace": Phase(("apply", "-y", "--replace", "web-1", "--replace", "web-2"), 1, "debian-13"),
    "destroy": Phase(("destroy", "-y"), 1, "debian-13", "list"),
}


@dataclass
class Person:
    """Somebody with a terminal and a playbook. forks: makes a run's process faster than a new interpreter is there."""

    home: Path
    cloud: Cloud
    forks: subprocess.Popen[str] | None = None
    said: str = field(default="", init=False)

    @property
    def steps(self) -> list[str]:
        """Those of the last run."""
        return (self.home / "steps").read_text().splitlines()

    def declare(self, phase: Phase) -> None:
        entry = {"name": "web", "count": 2, "size": self.cloud.sizes[phase.size], "image": phase.image,
                 "ssh_keys": [KEY], "firewall": {"allow": [{"port": 22, "from": ["203.0.113.0/24"]}, {"port": 443}]},
                 "network": {"cidr": "10.7.0.0/16"}, "reserved_ip": True, "volumes": [{"name": "data", "size": 10}],
                 "dns": [{"name": "shop.example.com"}], **self.cloud.declared}
        (self.home / "site.yml").write_text(json.dumps([{"site": "shop", "machines": [entry]}]))

    def provision(self, *words: str, dies_at: int = 0) -> int:
        """The exit code, negative for the signal that ended it."""
        (self.home / "steps").unlink(missing_ok=True)
        environment = {**os.environ, "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"),
                       "PROVISION_STATE_DIR": str(self.home / "state"), mortal.DIES_AT: str(dies_at),
                       mortal.STEPS: str(self.home / "steps"),
                       "PYTHONPATH": str(Path(__file__).parents[2])}
        arguments = [*words, "site.yml"]
        if self.forks is not None:
            assert self.forks.stdin is not None
            assert self.forks.stdout is not None
            order = {"arguments": arguments, "environment": environment, "folder": str(self.home),
                     "output": str(self.home / "output")}
            self.forks.stdin.write(f"{json.dumps(order)}\n")
            self.forks.stdin.flush()
            code = int(self.forks.stdout.readline())
            self.said = (self.home / "output").read_text()
            return code
        done = subprocess.run([sys.executable, mortal.__file__, *arguments], cwd=self.home, env=environment,
                              capture_output=True, text=True, timeout=240, check=False, stdin=subprocess.DEVNULL)
        self.said = done.stdout + done.stderr
        return done.returncode

    def carry_out(self, phase: Phase, dies_at: int = 0) -> bool:
        """Whether it was killed."""
        self.declare(phase)
        code = self.provision(*phase.words, dies_at=dies_at)
        assert code in (0, KILLED if dies_at else 0), self.said
        return code == KILLED

    def start_anew(self) -> None:
        self.cloud.reset()
        subprocess.run(["rm", "-rf", str(self.home / "state")], check=True)

    def sees_what_is_declared(self, phase: Phase, expected: Sequence[str], when: str) -> None:
        """After a run that was killed and the next one, at the provider and by every command."""
        assert self.cloud.there() == expected, f"{when}\n{self.said}"
        assert (self.provision("cloud", phase.lists), self.said) == (0, "Nothing.\n"), f"{when}\n{self.said}"
        if phase.words[0] == "apply":
            assert self.provision("plan", "--detailed-exitcode") == 0, f"{when}\n{self.said}"


@pytest.fixture(params=["at_file", "at_ec2", "at_digitalocean"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    made: Cloud = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def person(cloud: Cloud, tmp_path: Path) -> Person:
    """Each of whose runs is a new interpreter."""
    return Person(tmp_path, cloud)


@pytest.fixture
def busy_person(cloud: Cloud, tmp_path: Path) -> Iterator[Person]:
    """Whose runs are forks."""
    with subprocess.Popen([sys.executable, mortal.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}) as forks:
        yield Person(tmp_path, cloud, forks)
        assert forks.stdin is not None
        forks.stdin.close()


@dataclass(frozen=True)
class Whole:
    """What phases do that nobody interrupts: the steps of each, and what there is after it."""

    steps: Mapping[str, Sequence[str]]
    there: Mapping[str, Sequence[str]]

    @staticmethod
    def of(person: Person) -> Whole:
        steps, there = {}, {}
        for name, phase in PHASES.items():
            assert not person.carry_out(phase), person.said
            steps[name], there[name] = person.steps, person.cloud.there()
            person.sees_what_is_declared(phase, there[name], name)
        return Whole(steps, there)


def killed_at(person: Person, whole: Whole, dies_at: Mapping[str, int]) -> int:
    """The life of a site, in which the first run of phases is killed. dies_at: by phase the number of the last step.
    Gives how many were: a run that has less to wait for gets through before one of the last steps."""
    person.start_anew()
    left, killed = len(dies_at), 0
    for name, phase in PHASES.items():
        if not left:
            break
        if name not in dies_at:
            person.carry_out(phase)
            continue
        left -= 1
        last = f"{name} was killed at step {dies_at[name]}: {whole.steps[name][dies_at[name] - 1]}"
        killed += person.carry_out(phase, dies_at[name])
        person.carry_out(phase)
        person.sees_what_is_declared(phase, whole.there[name], last)
    return killed


@pytest.mark.timeout(900)
def test_a_run_that_is_killed_leaves_what_the_next_one_makes_whole(busy_person: Person) -> None:
    """At some of the steps: the next test has them all."""
    whole = Whole.of(busy_person)
    moments = {name: round(len(steps) * 0.6) for name, steps in whole.steps.items()}
    assert killed_at(busy_person, whole, moments) == len(moments)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_holds_for_a_new_interpreter_each_time(person: Person) -> None:
    whole = Whole.of(person)
    moments = {name: round(len(steps) * 0.5) for name, steps in whole.steps.items()}
    assert killed_at(person, whole, moments) == len(moments)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_site_that_was_destroyed_whole_or_in_part_is_made_anew(busy_person: Person) -> None:
    make, destroy = PHASES["make"], PHASES["destroy"]
    busy_person.carry_out(make)
    whole = busy_person.cloud.there()
    busy_person.carry_out(destroy)
    steps = busy_person.steps
    nothing = busy_person.cloud.there()
    assert set(nothing).isdisjoint(whole)
    busy_person.carry_out(make)
    busy_person.sees_what_is_declared(make, whole, "made anew")
    assert busy_person.carry_out(destroy, round(len(steps) * 0.6))
    assert nothing != busy_person.cloud.there() != whole
    busy_person.carry_out(make)
    busy_person.sees_what_is_declared(make, whole, "made anew what a killed destroy had deleted")


@pytest.mark.timeout(900)
def test_a_deleted_journal_makes_nothing_twice(busy_person: Person) -> None:
    make, destroy = PHASES["make"], PHASES["destroy"]
    journal = busy_person.home / "state/cloud/shop/journal"
    busy_person.carry_out(make)
    whole, steps = busy_person.cloud.there(), busy_person.steps
    journal.unlink()
    busy_person.sees_what_is_declared(make, whole, "without its journal")
    busy_person.carry_out(destroy)
    nothing = busy_person.cloud.there()

    busy_person.start_anew()
    second = next(number for number, name in enumerate(steps, 1) if '"done"' in name and "web-2" in name)
    assert busy_person.carry_out(make, second), "between the making of web-2 and its line in the journal"
    journal.unlink()
    busy_person.carry_out(make)
    busy_person.sees_what_is_declared(make, whole, "without the journal of a run that was killed")
    assert busy_person.carry_out(destroy, 40)
    journal.unlink()
    busy_person.carry_out(destroy)
    assert busy_person.cloud.there() == nothing


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_a_run_that_is_killed_anywhere_leaves_what_the_next_one_makes_whole(busy_person: Person) -> None:
    whole = Whole.of(busy_person)
    moments = {name: different(steps) for name, steps in whole.steps.items()}
    wrong, killed = [], 0
    for number in range(max(map(len, moments.values()))):
        dies_at = {name: mine[number] for name, mine in moments.items() if number < len(mine)}
        try:
            killed += killed_at(busy_person, whole, dies_at)
        except AssertionError as error:
            sys.stderr.write(f"{error}\n")
            wrong.append(str(error))
    assert wrong == []
    assert killed > 0.95 * sum(map(len, moments.values()))


def different(steps: Sequence[str]) -> list[int]:
    """The numbers of steps that are moments of their own for everybody else: nothing is done between the end of one
    and the beginning of the next."""
    return [number for number, name in enumerate(steps, 1) if not name.startswith("after ") or number == len(steps)]
