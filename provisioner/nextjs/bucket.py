"""An S3 or Spaces bucket through boto3: its objects, and what is written there about the releases in it.

    .provision/current.json              which release is published
    .provision/releases/<id>.json        what it consists of, and since when it is superseded
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.diag import ProvisionError
from provisioner.nextjs.objects import Object, Published
from provisioner.nextjs.settings.bucket import Bucket
from provisioner.values import Secret

SCHEMA = 1
STATE = ".provision/"
AT_ONCE = 8  # uploads side by side
DELETED_AT_ONCE = 1000  # the most that S3 takes

class BucketError(ProvisionError):
    """The bucket can't be used."""


@dataclass(frozen=True, slots=True)
class Found:
    """there: key -> tag of all objects below the prefix. current: the published release."""

    there: Mapping[str, str]
    releases: Sequence[Published]
    current: Published | None

    def said(self, key: str) -> str:
        """What the newest manifest tells of the object, as far as one does."""
        telling = (each for each in self.releases if key in each.signs and each.tag(key) == self.there.get(key))
        newest = max(telling, key=lambda each: each.published, default=None)
        return newest.signs[key] if newest else f"{self.there.get(key)} (not by us)"


class Store:
    """A bucket through boto3. Every method raises `BucketError`."""

    def __init__(self, settings: Bucket) -> None:
        self._settings = settings
        self._client = _client(settings)

    def find(self) -> Found:
        """Pointer, manifests and a listing."""
        prefix = self._settings.prefix
        there: dict[str, str] = {}
        with _explained(self._settings, "list"):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._settings.name, Prefix=prefix
            ):
                there.update({each["Key"]: each["ETag"].strip('"') for each in page.get("Contents", ())})
        state = {key: tag for key, tag in there.items() if key.startswith(prefix + STATE)}
        pointer = self._read(f"{prefix}{STATE}current.json") if f"{prefix}{STATE}current.json" in state else {}
        manifests = [key for key in state if key.startswith(f"{prefix}{STATE}releases/")]
        releases = [_published(data) for key in manifests if (data := self._read(key))]
        current = next((each for each in releases if each.release == pointer.get("release")), None)
        return Found({key: tag for key, tag in there.items() if key not in state}, releases, current)

    def put(self, each: Object, site: Path) -> str:
        """The tag that the service gave to it."""
        options = {"ACL": each.acl} if each.acl else {}
        with _explained(self._settings, "write to"), (site / each.file).open("rb") as body:
            answer = self._client.put_object(Bucket=self._settings.name, Key=each.key, Body=body,
                                             ContentType=each.type, CacheControl=each.cache, **options)  # fmt: skip
        return str(answer["ETag"]).strip('"')

    def write_manifest(self, published: Published) -> None:
        self._write(f"releases/{published.release}.json", dataclasses.asdict(published))

    def write_pointer(self, release: str) -> None:
        self._write("current.json", {"release": release})

    def forget(self, published: Published) -> None:
        self.remove([f"{self._settings.prefix}{STATE}releases/{published.release}.json"])

    def remove(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), DELETED_AT_ONCE):
            some = keys[start : start + DELETED_AT_ONCE]
            with _explained(self._settings, "remove from"):
                answer = self._client.delete_objects(
                    Bucket=self._settings.name,
                    Delete={"Objects": [{"Key": key} for key in some], "Quiet": True},
                )
            for error in answer.get("Errors", ()):
                raise BucketError(f"{self._settings}: {error['Key']} can't be removed: {error.get('Message')}")

    def _read(self, key: str) -> dict[str, Any]:
        with _explained(self._settings, "read from"):
            text = self._client.get_object(Bucket=self._settings.name, Key=key)["Body"].read()
        try:
            data = json.loads(text)
        except ValueError:
            return {}
        if not isinstance(data, dict):
            return {}
        if int(data.get("min_reader", 0)) > SCHEMA:
            raise BucketError(f"{self._settings}: {key} was written by a newer version of this tool",
                              hint="use that version")  # fmt: skip
        return data

    def _write(self, name: str, data: Mapping[str, Any]) -> None:
        text = json.dumps({"schema": SCHEMA, "min_reader": SCHEMA, **data}, indent=1, sort_keys=True)
        with _explained(self._settings, "write to"):
            self._client.put_object(Bucket=self._settings.name, Key=f"{self._settings.prefix}{STATE}{name}",
                                    Body=text.encode(), ContentType="application/json",
                                    CacheControl="no-cache")  # fmt: skip


def _published(data: Mapping[str, Any]) -> Published:
    names = [each.name for each in dataclasses.fields(Published)]
    return Published(**{name: data[name] for name in names if name in data})


def _client(settings: Bucket) -> Any:
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to import
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise BucketError("publishing to a bucket needs boto3, which is not installed here",
                          hint="pip install 'provision[s3]'") from None  # fmt: skip
    secret = settings.secret_key
    keys = {
        "aws_access_key_id": settings.access_key,
        "aws_secret_access_key": secret.reveal() if isinstance(secret, Secret) else secret,
    }
    with _explained(settings, "reach"):
        session = boto3.session.Session(profile_name=settings.profile, region_name=settings.region)
        # Other services than AWS do not know the checksums that boto3 sends of itself.
        config = Config(max_pool_connections=AT_ONCE, request_checksum_calculation="when_required",
                        retries={"mode": "standard", "max_attempts": 5})  # fmt: skip
        return session.client("s3", endpoint_url=settings.endpoint, config=config,
                              **{name: value for name, value in keys.items() if value})  # fmt: skip


# -- errors ----------------------------------------------------------------------------------------------------

_WORDS: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "make it, or mend `bucket.name` and `endpoint`"),
    "AccessDenied": ("the credentials do not allow to {verb} it",
                     "they need s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject, and s3:PutObjectAcl "
                     "with `acl`"),
    "AccessControlListNotSupported": ("the bucket takes no `acl`", "leave `bucket.acl` out; its policy decides"),
    "ExpiredToken": ("the credentials have expired", "get new ones, as by `aws sso login`"),
    "InvalidAccessKeyId": ("the service does not know the access key", "mend `access_key`, or the profile's"),
    "SignatureDoesNotMatch": ("the secret does not belong to the access key", "mend `secret_key`, or the profile's"),
    "PermanentRedirect": ("the bucket is in another region", "mend `bucket.region`"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "mend `bucket.region`"),
    "IllegalLocationConstraintException": ("the bucket is in another region", "mend `bucket.region`"),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", "set it"),
}  # fmt: skip
"""Code of the service -> what it means, and what to do."""
_ALIKE = {"403": "AccessDenied", "Forbidden": "AccessDenied", "301": "PermanentRedirect", "404": "NoSuchBucket",
          "ExpiredTokenException": "ExpiredToken", "TokenRefreshRequired": "ExpiredToken",
          "AllAccessDisabled": "AccessDenied", "RequestExpired": "ExpiredToken"}  # fmt: skip


@contextmanager
def _explained(settings: Bucket, verb: str) -> Iterator[None]:
    """Errors of boto3 in words. verb: what is being tried."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from botocore import exceptions  # noqa: PLC0415

    try:
        yield
    except exceptions.ClientError as error:
        told = error.response.get("Error", {})
        code = _ALIKE.get(str(told.get("Code")), str(told.get("Code")))
        words, mend = _WORDS.get(code, (f"{verb} it failed: {told.get('Message')} ({code})", ""))
        raise BucketError(f"{settings}: {words.format(verb=verb)}", hint=mend) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise BucketError(f"{settings}: there are no credentials",
                          hint="set `profile`, or `access_key` and `secret_key`, or AWS_ACCESS_KEY_ID and "
                          "AWS_SECRET_ACCESS_KEY in the environment") from None  # fmt: skip
    except exceptions.ProfileNotFound:
        raise BucketError(f"{settings}: the AWS configuration of this machine has no profile `{settings.profile}`",
                          hint="mend `bucket.profile`") from None  # fmt: skip
    except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError, exceptions.SSLError) as error:
        raise BucketError(f"{settings}: the service can't be reached: {error}",
                          hint="mend `bucket.endpoint` or `region`") from None  # fmt: skip
    except (exceptions.BotoCoreError, Boto3Error) as error:
        raise BucketError(f"{settings}: {verb} it failed: {error}") from None
