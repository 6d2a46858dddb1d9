"""Who allowed the team's company to contact them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, IdField, MomentField
from leads.api.permission.suppressions import ContactInput
from leads.api.permission.suppressions import text as text_field
from leads.models import Consent
from leads.permission.adding import MayNotConsent, add_consent, consents_seen_by
from leads.permission.consenting import BadConsent
from leads.rules import BadTime, moment_of


@translates(BadConsent)
def _bad_consent(error: BadConsent) -> Problem:
    return invalid(error.field, error.message)


@translates(MayNotConsent)
def _may_not_consent(error: MayNotConsent) -> Problem:
    return Problem("FORBIDDEN", str(error), status=403)


class ConsentInput(ContactInput):
    channel = serializers.ChoiceField(choices=Consent.Channel.choices, help_text="By which channel")
    type = serializers.ChoiceField(
        choices=[choice for choice in Consent.Type.choices if choice[0] not in ("reply", "start")],
        help_text="Which kind",
    )
    how = serializers.ChoiceField(
        choices=[choice for choice in Consent.How.choices if choice[0] in ("paper", "spoken")], help_text="How it came"
    )
    text = text_field(10_000, "The exact text they were shown, or their words")
    givenAt = MomentField(help_text="When")
    sourceUrl = text_field(500, "Where they gave it")
    file = text_field(200, "Name of the scan or the recording")
    leadId = IdField(required=False, help_text="About which lead")


class ConsentSerializer(CamelModelSerializer[Consent]):
    type = serializers.CharField(source="kind", help_text="Which kind")

    class Meta:
        model = Consent
        fields = [
            "id", "hint", "channel", "type", "how", "given_at", "expires_at", "source_url", "lead_id", "created_at"
        ]  # fmt: skip


CONSENTS = ListOf("consents", ConsentSerializer)


class ConsentsView(ApiView):
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="listConsents",
        summary="Consents given to your team's company, newest first",
        parameters=[CONSENTS.query],
        responses=CONSENTS.answer("ConsentPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(CONSENTS.query)
        found = consents_seen_by(self.access)
        return CONSENTS.respond(self, found, query=query)

    @extend_schema(
        operation_id="addConsent",
        summary="Write down a consent on paper or by word; by a manager. It lifts no suppression",
        request=ConsentInput,
        responses={201: answer("ConsentAdded", consent=ConsentSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        said: dict[str, Any] = self.body(ConsentInput)
        try:
            given_at = moment_of(said.pop("givenAt"), str(timezone.get_current_timezone()))
        except BadTime as error:
            raise invalid("givenAt", str(error)) from None
        names = {"type": "kind", "sourceUrl": "source_url", "leadId": "lead_id"}
        said = {names.get(name, name): value for name, value in said.items()}
        row = add_consent(access=self.access, given_at=given_at, **said)
        return ok(201, consent=ConsentSerializer(row).data)
