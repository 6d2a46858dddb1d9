"""Invitations into the team of the request."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import NotAllowed, Scope, access
from accounts.api.base import How, idempotent
from accounts.api.serializers import InvitationCreate, InvitationSerializer
from accounts.invitations import InvitationRefused, MailNotSent, invitations_of, invite, revoke
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.public_address import public_address


@translates(InvitationRefused)
def _refused(error: InvitationRefused) -> Problem:
    return invalid(error.field, str(error))


@translates(NotAllowed)
def _not_allowed(error: NotAllowed) -> Problem:
    return Problem("FORBIDDEN", str(error), status=403)


@translates(MailNotSent)
def _not_sent(error: MailNotSent) -> Problem:
    return Problem("MAIL_NOT_SENT", str(error), status=503)


INVITATIONS = ListOf("invitations", InvitationSerializer, sorts={"createdAt": "pk", "email": "email"})


class InvitationsView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MANAGE, "POST": Scope.MANAGE}
    needs_proof = ("POST",)

    @extend_schema(
        operation_id="listInvitations",
        summary="Invitations into my team that nobody has accepted yet",
        parameters=[INVITATIONS.query],
        responses=INVITATIONS.answer("Invitations"),
    )
    def get(self, request: Request) -> Response:
        return INVITATIONS.respond(self, invitations_of(access(request)))

    @extend_schema(
        operation_id="invite",
        summary="Invite somebody into my team by e-mail",
        description="The link works once, for 7 days. A second invitation takes the first one's place.",
        request=InvitationCreate,
        responses={201: answer("InvitationSent", invitation=InvitationSerializer())},
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request) -> Response:
        base = public_address(request._request)  # noqa: SLF001  # Django's own
        made, _ = invite(access=access(request), base_url=base, **self.body(InvitationCreate))
        return ok(201, invitation=InvitationSerializer(made).data)


class InvitationView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"DELETE": Scope.MANAGE}
    needs_proof = ("DELETE",)

    @extend_schema(
        operation_id="revokeInvitation",
        summary="Revoke an invitation",
        responses={200: answer("InvitationRevoked")},
    )
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        hers = access(request)
        found = invitations_of(hers).filter(pk=invitation_id).first()
        if found is None:
            raise not_found("invitation")
        revoke(access=hers, invitation=found)
        return ok()
