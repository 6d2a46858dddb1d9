"""What the audit keeps as codes and bare numbers, as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from integrations.ledger import scopes
from integrations.models import PhoneReveal, VendorCall
from integrations.services import PURPOSE
from integrations.vendors.errors import WORDS, Category


def plain(amount: Decimal) -> str:
    """As a person writes it: two decimals, more only where they say something."""
    text = f"{amount:.4f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")


def dollars(amount: Decimal | None) -> str:
    return "–" if amount is None else f"${plain(amount)}"


def category(code: str, *, decided: bool = False) -> str:
    """Needs billing check (IN_DOUBT); a dash where there is none."""
    if not code:
        return "–"
    words = WORDS.get(code)  # type: ignore[call-overload]  # a StrEnum's key is found by its text
    if decided and code == Category.IN_DOUBT:
        words = "Needed a billing check"
    return f"{words} ({code})" if words else code


def purpose(text: str) -> str:
    """What a request was paid for: Enrichment job, Campaign, Single look-up; a dash where it is not known."""
    if not text:
        return "–"
    kind = scopes.parse(text).kind
    return "Single look-up" if text == PURPOSE else "Enrichment job" if kind == scopes.RUN else kind.capitalize()


class MoneyInWords:
    """Admin columns and fields for `reserved` and `cost` as US dollars."""

    @admin.display(description="reserved")
    def held(self, row: VendorCall | PhoneReveal) -> str:
        return dollars(row.reserved)

    @admin.display(description="cost")
    def paid(self, row: VendorCall | PhoneReveal) -> str:
        return dollars(row.cost)


class CallInWords(MoneyInWords):
    """The further ones of a vendor request, each with the help text of the column it shows."""

    shows: ClassVar[dict[str, str]] = {
        "held": "reserved",
        "paid": "cost",
        "each": "price",
        "above_list": "excess",
        "kind_of_error": "category",
        "paid_for": "purpose",
    }

    @admin.display(description="price")
    def each(self, call: VendorCall) -> str:
        return dollars(call.price)

    @admin.display(description="claimed above the price list")
    def above_list(self, call: VendorCall) -> str:
        return dollars(call.excess)

    @admin.display(description="result")
    def kind_of_error(self, call: VendorCall) -> str:
        return category(call.category, decided=call.state != VendorCall.State.IN_DOUBT)

    @admin.display(description="paid for")
    def paid_for(self, call: VendorCall) -> str:
        return purpose(call.purpose)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        of: Any = VendorCall._meta.get_field
        told = {name: of(column).help_text for name, column in self.shows.items()}
        return super().get_form(request, *args, help_texts=told, **kwargs)  # type: ignore[misc]
