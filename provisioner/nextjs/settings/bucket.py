"""The S3 or Spaces bucket that an exported app is published to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.nextjs.settings.common import with_defaults
from provisioner.remote.spec import Arg, Problem
from provisioner.values import Secret

ACLS = ("private", "public-read", "authenticated-read", "bucket-owner-full-control")
OPTIONS = {
    "name": Arg(required=True, doc="The bucket, which must be there"),
    "region": Arg(doc="Its region; by default what the AWS configuration of this machine says"),
    "endpoint": Arg(doc="Address of the service if it is not AWS, as https://fra1.digitaloceanspaces.com"),
    "prefix": Arg(default="", doc="What the names of all objects begin with, as a directory"),
    "profile": Arg(doc="Profile of the AWS configuration of this machine"),
    "access_key": Arg(doc="Access key; by default from the environment or the AWS configuration of this machine"),
    "secret_key": Arg(type="raw", secret=True, doc="Its secret, from the vault"),
    "acl": Arg(choices=ACLS, doc="Of each object, as public-read; by default what the bucket says"),
    "extensionless": Arg(type="bool", default=True, doc="Publish about.html as `about` too: S3 adds no ending"),
    "delete_after": Arg(type="float", default=168.0, doc="Hours that files of earlier releases stay at least"),
}

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class Bucket:
    """prefix: empty, or with a slash at its end and none at its beginning."""

    name: str
    region: str | None = None
    endpoint: str | None = None
    prefix: str = ""
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | Secret | None = None
    acl: str | None = None
    extensionless: bool = True
    delete_after: float = 168.0

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"


def read(value: Mapping[str, Any] | None) -> Bucket | None:
    if value is None:
        return None
    options = with_defaults(OPTIONS, value)
    prefix = str(options["prefix"]).strip("/")
    return Bucket(**{**options, "prefix": f"{prefix}/" if prefix else ""})


def problems(value: Mapping[str, Any] | None) -> Iterator[Problem]:
    if value is None:
        return
    if not _NAME.fullmatch(str(value.get("name", ""))):
        yield Problem("bucket", f"`name: {value.get('name')}` can't name a bucket", "use a-z, 0-9, - and .")
    endpoint = value.get("endpoint")
    if endpoint is not None and not re.fullmatch(r"https?://[^\s/]+/?", str(endpoint)):
        yield Problem("bucket", f"`endpoint: {endpoint}` is no address of a service",
                      "without bucket and path, as in https://fra1.digitaloceanspaces.com")  # fmt: skip
    if not _PREFIX.fullmatch(str(value.get("prefix", ""))):
        yield Problem("bucket", f"`prefix: {value['prefix']}` has characters that addresses have not",
                      "use letters, digits and . _ ~ - /")  # fmt: skip
    if (value.get("access_key") is None) != (value.get("secret_key") is None):
        yield Problem("bucket", "`access_key` and `secret_key` belong together")
    elif value.get("access_key") is not None and value.get("profile") is not None:
        yield Problem("bucket", "`access_key` and `profile` are two ways to say the same", "leave one of them out")
    secret = value.get("secret_key")
    if secret is not None and not isinstance(secret, str | Secret):
        yield Problem("bucket", "`secret_key` is no text")
    if float(value.get("delete_after", 0)) < 0:
        yield Problem("bucket", "`delete_after` must not be negative")
