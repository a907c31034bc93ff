"""What machines cost, as AWS's Price List tells it: nice to know, and nothing waits or fails for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any, Final

from provisioner import durable
from provisioner.cloud.errors import CloudError
from provisioner.cloud.providers.ec2.api import Api

FRESH_FOR: Final = 7 * 24 * 3600.0
"""Seconds after which a price is asked for again."""
HOURS: Final = 730  # of a month, as AWS's own calculator has it

_KIND: Final = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}


class Prices:
    """Of a region's machines on demand, without disks and traffic. cache: a file; None: nothing is kept."""

    def __init__(self, api: Api, cache: Path | None, now: Callable[[], float] = time.time) -> None:
        self._api = api
        self._cache = cache
        self._now = now

    def monthly(self, sizes: Iterable[str]) -> tuple[Mapping[str, Decimal], str]:
        """US dollars by size, and "". None of them if one can't be told, and why."""
        kept = dict(self._kept())
        told: dict[str, Decimal] = {}
        for size in sorted(set(sizes)):
            name = f"{self._api.place.region} {size}"
            if name not in kept:
                try:
                    hourly = self._asked(size)
                except CloudError as error:
                    return {}, f"Without prices: {error.message}{f' ({error.hint})' if error.hint else ''}"
                if hourly is None:
                    return {}, f"Without prices: AWS tells none of {size} in {self._api.place.region}"
                kept[name] = {"hourly": str(hourly), "at": self._now()}
                self._keep(kept)
            told[size] = Decimal(kept[name]["hourly"]) * HOURS
        return told, ""

    def _asked(self, size: str) -> Decimal | None:
        """An hour of it."""
        wanted = {**_KIND, "instanceType": size, "regionCode": self._api.place.region}
        answer = self._api.call(
            "get_products", service="pricing", retried=False, ServiceCode="AmazonEC2", FormatVersion="aws_v1",
            Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()])
        found = set(_hourly(answer.get("PriceList", ())))
        return found.pop() if len(found) == 1 else None

    def _kept(self) -> Mapping[str, Any]:
        try:
            kept = json.loads(self._cache.read_text()) if self._cache else {}
            return {name: each for name, each in kept.items()
                    if 0 <= self._now() - each["at"] < FRESH_FOR and Decimal(each["hourly"]) > 0}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, DecimalException):
            return {}

    def _keep(self, prices: Mapping[str, Any]) -> None:
        if self._cache:
            try:
                durable.write(self._cache, json.dumps(prices, indent=1, sort_keys=True).encode())
            except OSError:
                return  # it is asked for again


def _hourly(products: Iterable[str]) -> Iterator[Decimal]:
    """What an hour on demand costs in each of them."""
    for text in products:
        try:
            terms = json.loads(text)["terms"]["OnDemand"].values()
            rates = [rate for term in terms for rate in term["priceDimensions"].values()]
            prices = [Decimal(rate["pricePerUnit"]["USD"]) for rate in rates if rate["unit"] == "Hrs"]
        except (ValueError, KeyError, TypeError, AttributeError, DecimalException):
            continue
        yield from (price for price in prices if price > 0)
