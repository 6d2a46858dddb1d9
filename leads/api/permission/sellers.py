"""The company in whose name a team contacts owners."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from common.api.base import ApiView, Problem, ok, translates
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, FlagField, StrictSerializer, camel
from leads.api.permission.suppressions import text
from leads.models import Seller
from leads.permission.selling import BadSeller, active_seller, missing_of, save_seller


@translates(BadSeller)
def _bad_seller(error: BadSeller) -> Problem:
    fields = {camel(name): [words] for name, words in error.fields.items()}
    return Problem("INVALID", str(error), fields=fields)


class SellerInput(StrictSerializer):
    legalName = text(200, "As registered with its state; another one is another company")
    tradeName = text(100, "What owners know it by")
    postalAddress = text(300, "Street, city, state and ZIP")
    callbackPhone = text(40, "Where owners reach a person")
    replyEmail = text(254, "Where replies to its e-mail go")
    fromDomain = text(253, "The domain its e-mail is sent from")
    dkimSelector = text(63, "Of the domain's DKIM record")
    san = text(40, "Subscription account number with the FTC's registry")
    policyText = text(10_000, "Its written do-not-call policy")
    attest = FlagField(required=False, help_text="You say that all of this is true")
    acknowledgeFlag = FlagField(
        required=False,
        help_text="You sign that the skip trace's do-not-call flag counts as a check for 31 days; false takes it back",
    )


class SellerSerializer(CamelModelSerializer[Seller]):
    missing = serializers.SerializerMethodField(help_text="What is needed before anybody is contacted")

    class Meta:
        model = Seller
        fields = [
            "id", "legal_name", "trade_name", "postal_address", "callback_phone", "reply_email", "from_domain",
            "dkim_selector", "dkim_checked_at", "san", "policy_text", "attested_at", "flag_acknowledged_at", "missing",
        ]  # fmt: skip

    def get_missing(self, row: Any) -> list[str]:
        return [camel(name) for name in missing_of(row)]


_INSIDE = {
    "legalName": "legal_name", "tradeName": "trade_name", "postalAddress": "postal_address",
    "callbackPhone": "callback_phone", "replyEmail": "reply_email", "fromDomain": "from_domain",
    "dkimSelector": "dkim_selector", "san": "san", "policyText": "policy_text",
}  # fmt: skip


class SellersView(ApiView):
    scopes = {"PUT": Scope.MANAGE}

    @extend_schema(
        operation_id="getSeller",
        summary="Your team's company, and what of its profile is missing",
        responses=answer("SellerSeen", seller=SellerSerializer(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        seller = active_seller(self.access.team_id)
        return ok(seller=SellerSerializer(seller).data if seller else None)

    @extend_schema(
        operation_id="saveSeller",
        summary="Fill in your team's company, attest it, sign for the skip trace's flag; by a manager",
        request=SellerInput,
        responses=answer("SellerSaved", seller=SellerSerializer()),
    )
    def put(self, request: Request) -> Response:
        said = self.body(SellerInput)
        values = {_INSIDE[name]: value for name, value in said.items() if name in _INSIDE}
        row = save_seller(
            team_id=self.access.team_id, by=self.user, values=values, attest=said.get("attest", False),
            acknowledge_flag=said.get("acknowledgeFlag"),
        )  # fmt: skip
        return ok(seller=SellerSerializer(row).data)
