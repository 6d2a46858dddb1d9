"""Vendors for operators: how they stand, and the decisions after a billing check. Needs the right to change vendors."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from common.api.base import NEEDS_ADMINISTRATOR, ApiView, Problem, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.api.serializers import MoneyField, Nothing
from common.db.clock import database_now
from integrations.api.serializers import PriceInput
from integrations.ledger import catalogue
from integrations.models import Vendor
from integrations.operating import books, vendors
from integrations.operating.vendors import BadPrice

FORBIDDEN = {403: refusal("It needs an administrator")}


@translates(BadPrice)
def bad_price(error: BadPrice) -> Problem:
    return Problem("INVALID", str(error), fields={"price": [str(error)]})


class OperationSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    price = MoneyField(help_text="US dollars a unit")


class VendorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    available = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it is not available; empty where it is")
    needsBillingCheck = serializers.BooleanField(help_text="Paused because it claims more than the price list says")
    serverErrorPolicy = serializers.ChoiceField(choices=Vendor.ServerErrors.choices)
    spentToday = MoneyField()
    excessToday = MoneyField(help_text="US dollars its own count is above the price list, since midnight UTC")
    operations = OperationSerializer(many=True)


def permit(request: Request) -> None:
    """Raises a Problem for a user who may not change vendors."""
    user: Any = request.user
    if not user.has_perm("integrations.change_vendor"):
        raise Problem("FORBIDDEN", NEEDS_ADMINISTRATOR, status=403)


class ShownVendor(VendorSerializer):
    """As `_shown` has made it."""

    def to_representation(self, instance: Any) -> Any:
        return instance


VENDORS = ListOf("vendors", ShownVendor, sorts={"name": "name", "spentToday": "spentToday"}, order="name")


class VendorsView(ApiView):
    teamless = True  # the installation's

    @extend_schema(
        operation_id="listVendors",
        summary="The vendors, which of them are available, and what each costs",
        parameters=[VENDORS.query],
        responses={200: VENDORS.answer("VendorsAnswer"), **FORBIDDEN},
    )
    def get(self, request: Request) -> Response:
        permit(request)
        return VENDORS.respond(self, [_shown(catalogue.vendor(name)) for name in sorted(vendors.names())])


class ConfirmPricesView(ApiView):
    teamless = True  # the installation's
    needs_proof = ("POST",)

    @extend_schema(
        operation_id="confirmPrices",
        summary="The price list is right, the vendor's own count is not: ends a billing check",
        request=Nothing,
        responses={200: answer("VendorAnswer", vendor=VendorSerializer()), **FORBIDDEN},
    )
    @idempotent(first=permit)
    def post(self, _request: Request, name: str) -> Response:
        vendor = _vendor(name)
        self.body(Nothing)
        vendors.confirm_price_list(vendor, self.user)
        return ok(vendor=_shown(catalogue.vendor(name)))


class PriceView(ApiView):
    teamless = True  # the installation's
    needs_proof = ("POST",)

    @extend_schema(
        operation_id="setPrice",
        summary="What a unit of an operation costs from now on: ends a billing check too",
        request=PriceInput,
        responses={200: answer("VendorPriced", vendor=VendorSerializer()), **FORBIDDEN},
    )
    @idempotent(first=permit)
    def post(self, _request: Request, name: str) -> Response:
        vendor = _vendor(name)
        given = self.body(PriceInput)
        vendors.set_price(vendor=vendor, operation=given["operation"], price=given["price"], by=self.user)
        return ok(vendor=_shown(catalogue.vendor(name)))


def _vendor(name: str) -> Vendor:
    if name not in vendors.names():
        raise not_found("vendor")
    return catalogue.vendor(name)


def _shown(vendor: Vendor) -> Any:
    now = database_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    why = vendors.trouble(vendor, now)
    facts = {
        "name": vendor.pk,
        "available": not why,
        "reason": why,
        "needsBillingCheck": vendor.billing_check,
        "serverErrorPolicy": vendor.server_error_policy,
        "spentToday": vendors.spent_today(vendor, now)[0],
        "excessToday": books.excess_of(vendor.pk, since=midnight),
        "operations": [
            {"name": pace.operation.name, "price": pace.operation.setting("price")}
            for pace in vendors.paces(vendor, now)
        ],
    }
    return VendorSerializer(facts).data
