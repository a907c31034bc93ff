"""What is changed inside of moto while the stand-in runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from provisioner.testing.aws.images import images

_CONSOLE = 64 * 1024  # what EC2 keeps of it


class Told(Protocol):
    """What a test says of the cloud."""

    addresses: Callable[[], str]
    console: Callable[[str], str]


def changes(told: Told) -> Iterator[tuple[Any, str, Any]]:
    """Object, attribute, its value for the time being. Moto's own settings for some of these are environment variables
    that it reads when it is first imported."""
    from moto import settings  # noqa: PLC0415 - heavy
    from moto.core.responses import ActionResult  # noqa: PLC0415
    from moto.core.types import Base64EncodedString  # noqa: PLC0415
    from moto.core.utils import utcnow  # noqa: PLC0415
    from moto.ec2.models import amis, core, elastic_ip_addresses, elastic_network_interfaces  # noqa: PLC0415
    from moto.ec2.responses.general import General  # noqa: PLC0415
    from moto.ec2.responses.instances import InstanceResponse  # noqa: PLC0415
    from moto.ec2.responses.monitoring import Monitoring  # noqa: PLC0415

    def load(backend: Any) -> None:
        for image in images():
            backend.amis[image["ami_id"]] = amis.Ami(backend, **image)

    def get_console_output(response: Any) -> Any:
        instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
        output = Base64EncodedString.from_raw_string(told.console(instance.id)[-_CONSOLE:])
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    def monitor(state: str) -> Callable[[Any], Any]:
        def answer(response: Any) -> Any:
            instances = [response.ec2_backend.get_instance(each) for each in response._get_param("InstanceIds", [])]
            for instance in instances:
                instance.monitoring_state = state
            return ActionResult({"InstanceMonitorings": [{"InstanceId": each.id, "Monitoring": {"State": state}}
                                                         for each in instances]})

        return answer

    run = InstanceResponse.run_instances

    def run_instances(response: Any) -> Any:
        """With the protection that it was asked for, which moto forgets."""
        answer = run(response)
        if response._get_param("DisableApiTermination"):
            for instance in list(response.ec2_backend.reservations.values())[-1].instances:
                instance.disable_api_termination = True
        return answer

    def get_tags(resource: Any) -> list[dict[str, str]]:
        """Moto goes over the tags of all resources for each of them: a thousand machines take a minute."""
        tags: dict[str, str] = resource.ec2_backend.tags.get(resource.id, {}) if resource.id else {}
        return [{"resource_id": resource.id, "key": key, "value": value} for key, value in tags.items()]

    def address() -> str:
        return told.addresses()

    yield core.TaggedEC2Resource, "get_tags", get_tags
    yield settings, "ENABLE_AMI_VALIDATION", True
    yield settings, "EC2_ENABLE_INSTANCE_TYPE_VALIDATION", True
    yield amis.AmiBackend, "_load_amis", load
    yield General, "get_console_output", get_console_output
    yield InstanceResponse, "run_instances", run_instances
    yield Monitoring, "monitor_instances", monitor("enabled")
    yield Monitoring, "unmonitor_instances", monitor("disabled")
    yield elastic_network_interfaces, "random_public_ip", address
    yield elastic_ip_addresses, "random_ip", address
