"""A stand-in for AWS on this machine: moto's server over real HTTP, with what it lacks of EC2.

    with Aws() as aws:
        provider = Ec2(Place("ec2", "eu-central-1", endpoint=aws.url))
        aws.faults.add(Fault("RunInstances", "lose"))

Added to moto: `ClientToken`, faults by action and count, what EC2 refuses (see `rules`), images of Debian and Ubuntu,
console output and public addresses as a test says. `python -m provisioner.testing.aws` runs one for trying things out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from types import TracebackType
from typing import Any, Final
from unittest import mock

from provisioner.testing.aws.faults import Fault, Faults
from provisioner.testing.aws.moto import changes
from provisioner.testing.aws.server import Front
from provisioner.testing.aws.tokens import Tokens

__all__ = ["ACCOUNT", "Aws", "Fault", "Faults"]

ACCOUNT: Final = "123456789012"


class Aws:
    """addresses: gives the next public address; console: what the instance with this id has printed."""

    def __init__(self, port: int = 0) -> None:
        self.faults = Faults()
        self.tokens = Tokens()
        self.addresses: Callable[[], str] = _documentation_addresses()
        self.console: Callable[[str], str] = lambda instance: ""
        self._port = port
        self._patches = ExitStack()
        self._thread: threading.Thread | None = None
        self._server: Any = None

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}"

    def reset(self) -> None:
        """As new: nothing exists, no fault is planned, no call was made."""
        from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415 - heavy

        moto_api_backend.reset()
        self.faults.clear()
        self.tokens.clear()
        self.addresses = _documentation_addresses()
        self.console = lambda instance: ""

    def backend(self, region: str) -> Any:
        """Moto's EC2 of a region, to look into it or to change it behind everybody's back."""
        from moto.ec2.models import ec2_backends  # noqa: PLC0415 - heavy

        return ec2_backends[ACCOUNT][region]

    def client(self, service: str, region: str = "eu-central-1", **options: Any) -> Any:
        """A client of boto3, for what somebody else does in the account. Its calls count and meet faults too."""
        import boto3  # noqa: PLC0415 - heavy

        return boto3.client(service, region_name=region, endpoint_url=self.url, aws_access_key_id="somebody",
                            aws_secret_access_key="else", **options)  # noqa: S106 - of nobody

    def add_zone(self, name: str) -> None:
        """A public hosted zone at Route 53."""
        from moto.route53.models import route53_backends  # noqa: PLC0415 - heavy

        route53_backends[ACCOUNT]["aws"].create_hosted_zone(f"{name}.", private_zone=False)

    def __enter__(self) -> Aws:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - heavy
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server  # noqa: PLC0415

        class Quiet(MotoRequestHandler):
            def log(self, *told: object) -> None:
                """Nothing on stderr."""

        for target, name, value in changes(self):
            self._patches.enter_context(mock.patch.object(target, name, value))
        moto = DomainDispatcherApplication(create_backend_app)
        front = Front(moto, self.faults, self.tokens, self.backend)
        self._server = make_server("127.0.0.1", self._port, front, True, request_handler=Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._patches.close()


def _documentation_addresses() -> Callable[[], str]:
    """Addresses that nobody has: 198.18.0.0/15 is for measuring."""
    numbers = count(1)

    def address() -> str:
        number = next(numbers)
        return f"198.18.{number // 250 % 250}.{number % 250 + 1}"

    return address
