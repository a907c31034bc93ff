"""What names of images and sizes mean in a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from provisioner.cloud.errors import Gone, Refused
from provisioner.cloud.providers.ec2.api import Api
from provisioner.cloud.providers.ec2.errors import code_of
from provisioner.diag import near


@dataclass(frozen=True, slots=True)
class Published:
    """How a publisher names its images: the newest of `owner` whose name is like `pattern`, or what the public
    parameter says. {arch}: amd64 or arm64; {machine}: x86_64 or arm64."""

    owner: str = ""
    pattern: str = ""
    parameter: str = ""


_DEBIAN: Final = "136693071363"
_CANONICAL: Final = "099720109477"

PUBLISHED: Final[Mapping[str, Published]] = {
    "debian-12": Published(_DEBIAN, "debian-12-{arch}-*"),
    "debian-13": Published(_DEBIAN, "debian-13-{arch}-*"),
    "ubuntu-22.04": Published(_CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{arch}-server-*"),
    "ubuntu-24.04": Published(_CANONICAL, "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-*"),
    "amazon-linux-2023": Published(
        parameter="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{machine}"
    ),
}
"""The publishers' accounts: wiki.debian.org/Cloud/AmazonEC2Image, documentation.ubuntu.com/aws."""

_ARCH: Final = {"x86_64": "amd64", "arm64": "arm64"}


class Catalogue:
    """Images and sizes of a region; each is asked for once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._sizes: dict[str, Mapping[str, Any]] = {}
        self._images: dict[str, Mapping[str, Any]] = {}
        self._newest: dict[tuple[str, str], str] = {}
        self._zones: dict[str, frozenset[str]] = {}

    def architecture(self, size: str) -> str:
        """x86_64 or arm64; `Refused` if there is no such size."""
        supported: list[str] = self._size(size)["ProcessorInfo"]["SupportedArchitectures"]
        return next((each for each in _ARCH if each in supported), supported[0])

    def zones(self, size: str) -> frozenset[str]:
        """The zones of the region that have machines of this size."""
        if size not in self._zones:
            offers = self._api.pages("describe_instance_type_offerings", "InstanceTypeOfferings",
                                     LocationType="availability-zone",
                                     Filters=[{"Name": "instance-type", "Values": [size]}])
            self._zones[size] = frozenset(str(each["Location"]) for each in offers)
        return self._zones[size]

    def image(self, name: str, size: str) -> str:
        """The id that `name` means for machines of `size`: `debian-12`, `ami-…` or `ssm:/path/of/a/parameter`."""
        machine = self.architecture(size)
        if name.startswith("ami-"):
            identity = name
        elif name.startswith("ssm:"):
            identity = self._parameter(name.removeprefix("ssm:"))
        elif name in PUBLISHED:
            identity = self._published(name, machine)
        else:
            raise Refused(f"{self._api.place}: there is no image `{name}`",
                          hint=near(name, PUBLISHED) or f"there are {', '.join(PUBLISHED)}, `ami-…` and `ssm:/path`")
        built = self._described(identity).get("Architecture")
        if built != machine:
            raise Refused(f"{self._api.place}: the image {name} is for {built} and `{size}` is {machine}",
                          hint="name another `image` or `size`")
        return identity

    def root_device(self, image: str) -> str:
        """What its root disk is called: under another name a machine would get a second disk."""
        return str(self._described(image)["RootDeviceName"])

    def least_disk(self, image: str) -> int:
        """GiB that the root disk has to have at least."""
        disks = self._described(image).get("BlockDeviceMappings", ())
        return max((int(each.get("Ebs", {}).get("VolumeSize", 0)) for each in disks), default=0)

    def _described(self, identity: str) -> Mapping[str, Any]:
        """What EC2 tells of an image."""
        if identity not in self._images:
            images = self._api.call("describe_images", ImageIds=[identity])["Images"]
            if not images:
                raise Refused(f"{self._api.place}: there is no image {identity}",
                              hint="images have another id in each region; a name like `debian-12` works in all")
            self._images[identity] = images[0]
        return self._images[identity]

    @cached_property
    def _all_sizes(self) -> frozenset[str]:
        offers = self._api.pages("describe_instance_type_offerings", "InstanceTypeOfferings")
        return frozenset(str(each["InstanceType"]) for each in offers)

    def _size(self, size: str) -> Mapping[str, Any]:
        if size not in self._sizes:
            try:
                answer = self._api.call("describe_instance_types", InstanceTypes=[size])
            except Refused as error:
                if not code_of(error.__cause__).startswith("InvalidInstanceType"):
                    raise
                raise Refused(f"{self._api.place}: there is no size `{size}`",
                              hint=near(size, sorted(self._all_sizes)) or "sizes look like `t3.small`") from error
            self._sizes[size] = answer["InstanceTypes"][0]
        return self._sizes[size]

    def _parameter(self, path: str) -> str:
        try:
            return str(self._api.call("get_parameter", service="ssm", Name=path)["Parameter"]["Value"])
        except Gone as error:
            raise Refused(f"{self._api.place}: there is no parameter `{path}` in the Parameter Store",
                          hint="mend `image`, or write the parameter in this region") from error

    def _published(self, name: str, machine: str) -> str:
        known = self._newest.get((name, machine))
        if known is None:
            known = self._newest[name, machine] = self._ask(name, machine)
        return known

    def _ask(self, name: str, machine: str) -> str:
        how = PUBLISHED[name]
        if how.parameter:
            return self._parameter(how.parameter.format(machine=machine))
        filters = {"name": how.pattern.format(arch=_ARCH.get(machine, machine)), "architecture": machine,
                   "state": "available"}
        images = self._api.pages("describe_images", "Images", Owners=[how.owner],
                                 Filters=[{"Name": key, "Values": [value]} for key, value in filters.items()])
        if not images:
            raise Refused(f"{self._api.place}: its publisher has no image `{name}` for {machine} here",
                          hint="name another `image` or `size`")
        newest: Mapping[str, Any] = max(images, key=lambda image: str(image["CreationDate"]))
        self._images[str(newest["ImageId"])] = newest
        return str(newest["ImageId"])
