"""What all tasks at AWS share: whose account, which region, and tags."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from provisioner.cloud.errors import NotAllowed, Refused
from provisioner.cloud.model import Place
from provisioner.cloud.providers.ec2 import tags
from provisioner.cloud.providers.ec2.api import Api, Keys, Patience, usual_region
from provisioner.cloud.tasks.asked import Asked, Change
from provisioner.values import Secret


def api_of(asked: Asked, patience: Patience | None = None) -> Api:
    """Arguments first, then the task's `environment`, then what AWS's own tools would take."""
    a, environment = asked.a, asked.environment
    profile = a.profile or environment.get("AWS_PROFILE", "")
    region = a.region or next(
        (value for names in (environment, os.environ) for name in ("AWS_REGION", "AWS_DEFAULT_REGION")
         if (value := names.get(name))), "") or usual_region(profile)
    if not region:
        raise Refused("the region is not known", hint="write `region: eu-central-1`, or set AWS_REGION")
    endpoint = a.endpoint_url or environment.get("AWS_ENDPOINT_URL_EC2") or environment.get("AWS_ENDPOINT_URL", "")
    return Api(Place("ec2", region, profile, endpoint=endpoint), patience or Patience(), _keys(asked))


def _keys(asked: Asked) -> Keys | None:
    a, environment = asked.a, asked.environment
    access = a.aws_access_key or environment.get("AWS_ACCESS_KEY_ID", "")
    secret = a.aws_secret_key or environment.get("AWS_SECRET_ACCESS_KEY", "")
    token = a.session_token or environment.get("AWS_SESSION_TOKEN", "")
    if not access and not secret:
        return None
    if not access or not secret:
        raise NotAllowed("`aws_access_key` and `aws_secret_key` belong together", hint="give both, or a `profile`")
    return Keys(access, Secret(secret), Secret(token) if token else None)


def as_texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    """Tags as EC2 has them: YAML has numbers too."""
    return {key: str(value) for key, value in (given or {}).items()}


def tag_changes(api: Api, id: str, there: Mapping[str, str], wanted: Mapping[str, str], *,
                purge: bool) -> Iterator[Change]:
    """To have the tags `wanted`. What belongs to AWS or to a site, and the name, is never taken away."""
    wanted = as_texts(wanted)
    new = {key: value for key, value in wanted.items() if there.get(key) != value}
    gone = {key for key in there if key not in wanted and not tags.is_reserved(key)} if purge else set()
    if not new and not gone:
        return
    after = {key: value for key, value in {**there, **new}.items() if key not in gone}
    yield Change("tags", dict(there), after, partial(_retag, api, id, new, gone))


def _retag(api: Api, id: str, new: Mapping[str, str], gone: set[str]) -> None:
    if new:
        api.call("create_tags", Resources=[id], Tags=tags.as_list(new))
    if gone:
        api.call("delete_tags", Resources=[id], Tags=[{"Key": key} for key in sorted(gone)])


def filters(wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """As the API writes them; a value may be one or several."""
    return [{"Name": name, "Values": list(map(str, value if isinstance(value, list) else [value]))}
            for name, value in wanted.items()]
