"""AWS's Price List, which moto lacks: GetProducts for a few machines, and what the real one refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

HOURLY: Final[Mapping[str, str]] = {"t3.small": "0.0240000000", "t3.medium": "0.0480000000", "t3.large": "0.0960000000"}
"""Made up; no others are known."""
REGIONS: Final = ("us-east-1", "eu-central-1", "ap-south-1")
"""Where the service is; the rest of AWS has no endpoint of it."""
_FIELDS: Final = frozenset({"instanceType", "regionCode", "operatingSystem", "tenancy", "preInstalledSw",
                            "capacitystatus", "location", "licenseModel", "marketoption"})

Answer = tuple[str, Mapping[str, Any]]


def get_products(region: str, asked: Mapping[str, Any]) -> Answer:
    """The status line and the answer."""
    if region not in REGIONS:
        return _wrong(f"Credential should be scoped to a valid region, not {region}")
    if asked.get("ServiceCode") != "AmazonEC2":
        return _wrong(f"The service code {asked.get('ServiceCode')} is not valid")
    wanted: dict[str, str] = {}
    for each in asked.get("Filters", ()):
        if each.get("Type") != "TERM_MATCH" or each.get("Field") not in _FIELDS:
            return _wrong(f"Filter {each} is not valid")
        wanted[each["Field"]] = each["Value"]
    size = wanted.get("instanceType", "")
    products = [_product(wanted, HOURLY[size])] if size in HOURLY else []
    return "200 OK", {"FormatVersion": "aws_v1", "PriceList": products}


def _product(attributes: Mapping[str, str], hourly: str) -> str:
    rates = {"SKU.TERM.RATE": {"unit": "Hrs", "pricePerUnit": {"USD": hourly}}}
    return json.dumps({"product": {"productFamily": "Compute Instance", "attributes": attributes, "sku": "SKU"},
                       "serviceCode": "AmazonEC2", "terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": rates}}}})


def _wrong(message: str) -> Answer:
    return "400 Bad Request", {"__type": "InvalidParameterException", "message": message}
