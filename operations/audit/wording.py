"""An event's values and objects, as a person reads them on the page."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from accounts.models import AuditEvent
from common.dates import moment

KINDS = {
    "authtoken": "API token",
    "import": "import",
    "lookup": "purchased data",
    "run": "enrichment job",
    "vendorcall": "vendor request",
    "webhookendpoint": "webhook",
}
NAMES = {
    "after": "bought after",
    "by": "with",
    "is_active": "active",
    "is_masked": "contacts hidden",
    "is_operator": "operator",
    "is_superuser": "superuser",
    "lookups": "purchased records",
    "max_cost": "spending limit",
    "via": "by",
}
MONEY = frozenset({"cost", "max_cost", "monthly_budget", "price", "spent"})
VALUES = {"api": "API", "csv": "CSV", "xlsx": "Excel", "totp": "authenticator app", "webauthn": "passkey"}


def told(values: dict[str, Any] | None) -> Iterator[str]:
    """Each value with its name; what says nothing is left out."""
    for name, value in (values or {}).items():
        if text := _value(name, value):
            yield f"{NAMES.get(name, name.replace('_', ' ')).capitalize()}: {text}"


def object_of(event: AuditEvent) -> str:
    kind = KINDS.get(event.kind, event.kind.replace("_", " "))
    return " ".join(filter(None, (kind[:1].upper() + kind[1:], event.object_name or event.object_id))) or "–"


def _value(name: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(_value("", one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{inner.replace('_', ' ')} {_value(inner, one)}" for inner, one in value.items())
    if isinstance(value, int):
        return f"{value:,}"
    return _text(name, str(value))


def _text(name: str, text: str) -> str:
    if name in MONEY:
        try:
            return f"${Decimal(text).normalize():,.2f}" if Decimal(text) == round(Decimal(text), 2) else f"${text}"
        except InvalidOperation:
            return text
    at = parse_datetime(text) if "T" in text else None
    return moment(at) if at else VALUES.get(text, text)
