"""Templates, and what a text looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from campaigns.api.base import CampaignView
from campaigns.api.template_serializers import (
    FullTemplateSerializer,
    ShownSerializer,
    TemplateEdit,
    TemplateInput,
    TemplatePreviewInput,
    TemplateSerializer,
)
from campaigns.models import Template, TemplateVersion
from campaigns.texts.looks import look
from campaigns.texts.templates import PARTS, change_template, create_template, delete_template
from common.api.base import not_found, ok
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.contact_access import masked_text, sees_contacts
from leads.models import Lead
from leads.permission.selling import active_seller


def told(templates: Sequence[Template]) -> Any:
    """With their newest texts, without the HTML: two statements, however many they are."""
    return TemplateSerializer(templates, many=True, context=_latest_of(templates)).data


def _latest_of(templates: Sequence[Template]) -> dict[str, Any]:
    latest = _latest(templates).defer("html", "typed")
    return {"latest": {version.template_id: version for version in latest}}


def told_one(template: Template) -> Any:
    """All of it."""
    return FullTemplateSerializer(template, context={"latest": {template.pk: _latest([template]).get()}}).data


def _latest(templates: Sequence[Template]) -> QuerySet[TemplateVersion]:
    rows = TemplateVersion.objects.filter(template__in=templates)
    return rows.order_by("template_id", "-number").distinct("template_id")


TEMPLATES = ListOf("templates", TemplateSerializer, sorts={"createdAt": "pk", "name": "name"})


class TemplatesView(CampaignView):
    @extend_schema(
        operation_id="listTemplates",
        summary="My team's templates, newest first",
        parameters=[TEMPLATES.query],
        responses=TEMPLATES.answer("TemplatePage"),
    )
    def get(self, request: Request) -> Response:
        return TEMPLATES.respond(self, Template.objects.seen_by(self.access), context=_latest_of)

    @extend_schema(
        operation_id="createTemplate",
        summary="Save a text; what is no variable is refused, with its position",
        request=TemplateInput,
        responses={201: answer("TemplateMade", template=FullTemplateSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        template, _ = create_template(by=self.user, team_id=self.access.team_id, **self.body(TemplateInput))
        return ok(201, template=told_one(template))


class TemplateView(CampaignView):
    @extend_schema(
        operation_id="getTemplate",
        summary="A template",
        responses=answer("TemplateAnswer", template=FullTemplateSerializer()),
    )
    def get(self, request: Request, template_id: UUID) -> Response:
        return ok(template=told_one(self.template(template_id)))

    @extend_schema(
        operation_id="changeTemplate",
        summary="Another name, or another text as its next version",
        request=TemplateEdit,
        responses=answer("TemplateChanged", template=FullTemplateSerializer()),
    )
    def patch(self, request: Request, template_id: UUID) -> Response:
        template = self.template(template_id)
        changed, _ = change_template(template=template, by=self.user, **self.body(TemplateEdit))
        return ok(template=told_one(changed))

    @extend_schema(
        operation_id="deleteTemplate",
        summary="Delete it; one that a campaign uses stays",
        responses={
            200: answer("TemplateDeleted", id=serializers.UUIDField()),
            409: refusal("A campaign uses it"),
        },
    )
    def delete(self, request: Request, template_id: UUID) -> Response:
        delete_template(template=self.template(template_id), by=self.user)
        return ok(id=template_id)


class TemplatePreviewView(CampaignView):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="previewTemplate",
        summary="What a text or an e-mail looks like, with sample values or a lead's",
        request=TemplatePreviewInput,
        responses=answer("TemplateShown", preview=ShownSerializer()),
    )
    def post(self, request: Request) -> Response:
        given = self.body(TemplatePreviewInput)
        lead = None
        if "leadId" in given:
            lead = Lead.objects.seen_by(self.access).filter(pk=given["leadId"]).first()
            if lead is None:
                raise not_found("lead", "leadId")
        parts = {part: given[part] for part in PARTS if part in given}
        seller = active_seller(self.access.team_id)
        shown = look(given["channel"], parts, lead=lead, seller=seller, agent=self.user)
        if lead is not None and not sees_contacts(request):
            shown = replace(
                shown, subject=masked_text(shown.subject), text=masked_text(shown.text), html=masked_text(shown.html)
            )
        return ok(preview=ShownSerializer(shown).data)
