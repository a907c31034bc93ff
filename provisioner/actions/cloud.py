"""How tasks at a cloud are asked for: their common arguments, and one question for hosts that ask for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from provisioner.actions.base import Driving
from provisioner.actions.driving import failed
from provisioner.actions.local import opened
from provisioner.cloud.errors import CloudError
from provisioner.cloud.tasks.asked import Asked, NotYet, Result
from provisioner.remote.spec import Arg, ArgumentError, Spec
from provisioner.values import HostName

AWS: Final[Mapping[str, Arg]] = {
    "region": Arg(aliases=("aws_region", "ec2_region"), doc="The region; else AWS_REGION or the profile's"),
    "profile": Arg(aliases=("aws_profile",), doc="A profile of the AWS configuration"),
    "aws_access_key": Arg(aliases=("access_key", "aws_access_key_id", "ec2_access_key"),
                          doc="An access key, where there is no profile"),
    "aws_secret_key": Arg(aliases=("secret_key", "aws_secret_access_key", "ec2_secret_key"), secret=True,
                          doc="Its secret, from the vault"),
    "session_token": Arg(aliases=("aws_session_token", "security_token", "access_token"), secret=True,
                         doc="The session of temporary keys"),
    "endpoint_url": Arg(aliases=("ec2_url", "aws_endpoint_url"), doc="Another address of the API"),
}
TAGS: Final[Mapping[str, Arg]] = {
    "tags": Arg(type="dict", aliases=("resource_tags",), doc="Its tags; without it they are left as they are"),
    "purge_tags": Arg(type="bool", default=True, doc="With `tags`: take away those that are not in it"),
}
DIGITALOCEAN: Final[Mapping[str, Arg]] = {
    "oauth_token": Arg(aliases=("api_token", "token"), secret=True,
                       doc="The token, from the vault; else DIGITALOCEAN_TOKEN or that of `doctl`"),
    "baseurl": Arg(doc="Another address of the API"),
}


def together(calls: Sequence[Driving], spec: Spec, ensure: Callable[[Asked], Result]) -> Mapping[HostName, Result]:
    """Results by host. The cloud is asked from here, whatever the host; who asks for the same shares the answer."""
    groups: list[list[Driving]] = []
    for call in calls:
        alike = next((group for group in groups if group[0].args == call.args), None)
        if alike is None:
            groups.append([call])
        else:
            alike.append(call)
    with ThreadPoolExecutor(len(groups), thread_name_prefix="cloud") as pool:
        results = list(pool.map(lambda group: _answered(group[0], spec, ensure), groups))
    return {call.host: result for group, result in zip(groups, results, strict=True) for call in group}


def _answered(call: Driving, spec: Spec, ensure: Callable[[Asked], Result]) -> Result:
    try:
        arguments = spec.bind(_plain(call.args))
    except ArgumentError as error:
        return {"changed": False, "failed": True, "msg": str(error)}
    asked = Asked(arguments, call.check, call.diff, _plain(call.environment), call.progress, call.warn)
    try:
        return ensure(asked)
    except NotYet as error:
        return {"changed": False, "unknown": error.message} if call.check else failed(error)
    except CloudError as error:
        return failed(error)


def _plain(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A cloud has to be told what is in a secret."""
    return {name: opened(value) for name, value in values.items()}
