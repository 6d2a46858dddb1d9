"""Forgetting a person, and everything known of one. By POST: an address is logged, a body is not."""

from __future__ import annotations

from typing import Any

from django.core import signing
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope, access
from accounts.api.base import idempotent
from common.api.base import ApiView, Problem, invalid, ok, see_contacts, translates
from common.api.schema import answer
from common.api.serializers import MomentField, ObjectField, StrictSerializer
from leads.privacy.finding import Asked, BadPerson
from leads.privacy.forgetting import MayNotForget, NotTyped, Preview, forget_person, preview
from leads.privacy.reporting import MayNotReport, own_reach, person_report

_SALT, _MINUTES = "leads.forget", 15


@translates(BadPerson)
def _bad_person(error: BadPerson) -> Problem:
    return Problem("INVALID", str(error), fields={name: [words] for name, words in error.fields.items()})


@translates(NotTyped)
def _not_typed(error: NotTyped) -> Problem:
    return invalid("typed", str(error))


@translates(MayNotForget)
def _may_not_forget(error: MayNotForget) -> Problem:
    return Problem("FORBIDDEN", str(error), status=403)


@translates(MayNotReport)
def _may_not_report(error: MayNotReport) -> Problem:
    return Problem("FORBIDDEN", str(error), status=403)


def _text(most: int, help_text: str) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=most, help_text=help_text)


class PersonInput(StrictSerializer):
    phone = _text(40, "Their phone, in any spelling")
    email = _text(254, "Their e-mail")
    name = _text(200, "Their first and last name; with an address")
    address = _text(200, "Street line of a mailing or property address")
    zip = _text(10, "Its ZIP")


class ForgetInput(PersonInput):
    token = _text(500, "Of the preview; without it nothing is changed")
    typed = _text(254, "With the token: the name again (else the phone, the e-mail)")


def _asked(body: dict[str, Any]) -> Asked:
    return Asked.of(**{name: body.get(name, "") for name in ("phone", "email", "name", "address", "zip")})


class ForgetView(ApiView):
    teamless = True  # of the whole installation: whom to forget is no team's
    needs_proof = ("POST",)

    @extend_schema(
        operation_id="forgetPerson",
        summary="Preview forgetting a person, by counts; with the preview's token and the typed name it is done",
        request=ForgetInput,
        responses=answer(
            "PersonForgotten",
            preview=ObjectField(required=False, help_text="Counts: {teams, leads, purchasedData, …}"),
            token=serializers.CharField(required=False, help_text="Confirms this preview, for 15 minutes"),
            id=serializers.UUIDField(required=False, help_text="The job that blanks what there is"),
        ),
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        _refuse_narrow(request)
        body = self.body(ForgetInput)
        asked = _asked(body)
        if not body.get("token"):
            seen = preview(by=self.user, asked=asked)
            return ok(preview=_counts(seen), token=signing.dumps(_mark(self.user.pk, asked), salt=_SALT))
        try:
            confirmed = signing.loads(body["token"], salt=_SALT, max_age=60 * _MINUTES)
        except signing.BadSignature:
            raise invalid("token", "This preview is over: ask for another one.") from None
        if confirmed != _mark(self.user.pk, asked):
            raise invalid("token", "This is another person's preview.")
        job = forget_person(by=self.user, asked=asked, typed=body.get("typed", ""))
        return ok(202, id=job.pk)


def _counts(seen: Preview) -> dict[str, Any]:
    return {
        "teams": [{"team": team, "leads": leads} for team, leads in seen.teams],
        "leads": seen.leads,
        "purchasedData": seen.lookups,
        "activities": seen.activities,
        "severalNames": seen.several_names,
        "sharedContacts": seen.shared,
        "toType": seen.to_type,
    }


def _mark(user_id: int, asked: Asked) -> str:
    """No contact stands in a token: whom it is about, as a digest."""
    return signing.Signer(salt=_SALT).signature(f"{user_id}|{asked!r}")


def _refuse_narrow(request: Request) -> None:
    grant = getattr(request.auth, "grant", None)
    if grant is not None and grant.scopes is not None and Scope.MANAGE not in grant.scopes:
        raise PermissionDenied("This needs the scope 'manage', which this token does not have.")


class ReportView(ApiView):
    scopes = {"POST": Scope.MANAGE}
    needs_proof = ("POST",)
    of_all_teams = True  # for superusers, whether they are in a team or not; one team where X-Team or the token says so

    @extend_schema(
        operation_id="reportPerson",
        summary="Everything known of one person; superusers, or a manager for her own team",
        request=PersonInput,
        responses=answer(
            "PersonReport",
            madeAt=MomentField(),
            leads=ObjectField(help_text="Leads with their data and activities"),
            purchasedData=ObjectField(help_text="Purchased answers; for superusers"),
            more=ObjectField(help_text="{place: rows of it that hold the person, [{what, team, at, data}]}"),
            leftOut=serializers.IntegerField(help_text="More than 1,000 are counted here"),
            notSearched=serializers.ListField(
                child=serializers.CharField(), help_text="Places that were not looked through to their end"
            ),
        ),
    )
    def post(self, request: Request) -> Response:
        see_contacts(request)
        hers, asked = access(request), _asked(self.body(PersonInput))
        within = hers.team_id if hers.team is not None else own_reach(hers)
        report = person_report(access=hers, asked=asked, within=within)
        return ok(headers={"Cache-Control": "no-store"}, **report)
