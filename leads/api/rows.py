"""Leads as lists show them: the fields of each, and what may be asked for beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from rest_framework import serializers

from accounts.models import User
from common.api.base import ApiView
from common.api.lists import Include, ListOf
from common.api.serializers import MomentField, StrictSerializer
from common.contact_access import masked, masked_text, sees_contacts
from leads.api.serializers import LeadSerializer, TagSerializer
from leads.models import Activity, Lead
from leads.privacy.suppressions import Suppression
from leads.registries import buckets_of
from leads.selection.disclosures import are_masked
from leads.selectors import suppressed, tags_and_owners

LATEST = 10  # activities of a lead that a list includes


class LeadBucket(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class LeadPerson(serializers.Serializer[Any]):
    id = serializers.CharField()
    userName = serializers.CharField()


class LeadActivity(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Activity.Kind.choices)
    text = serializers.CharField(allow_blank=True)
    dueAt = MomentField(allow_null=True)
    by = serializers.CharField(allow_null=True)
    createdAt = MomentField()


class LeadContact(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["phone", "email"])
    value = serializers.CharField(help_text="Masked for who may not see contacts")
    shown = serializers.BooleanField(help_text="false: not the lead's first two phones, nor its e-mail")
    type = serializers.CharField(allow_null=True, help_text="mobile, landline or voip; null: unknown")
    doNotCall = serializers.BooleanField(allow_null=True, help_text="null: nobody has said")


class LeadSuppression(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["phone", "email", "owner"], help_text="What of the lead is suppressed")
    scope = serializers.ChoiceField(choices=Suppression.Scope.choices, help_text="By which channel not")
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices)
    since = MomentField()


def _ids(rows: Sequence[Lead]) -> list[UUID]:
    return [lead.pk for lead in rows]


def _theirs(view: ApiView, rows: Sequence[Lead]) -> list[UUID]:
    """Those of the team that asks: what another team does about its leads is not told."""
    return [lead.pk for lead in rows if lead.team_id == view.access.team_id]


def _buckets(view: ApiView, rows: Sequence[Lead]) -> Mapping[UUID, Any]:
    names = dict(buckets_of(view.access).filter(pk__in={lead.bucket_id for lead in rows}).values_list("pk", "name"))
    return {lead.pk: {"id": str(lead.bucket_id), "name": names.get(lead.bucket_id, "")} for lead in rows}


def _assignees(view: ApiView, rows: Sequence[Lead]) -> Mapping[UUID, Any]:
    wanted = {lead.assigned_to_id for lead in rows if lead.assigned_to_id and lead.team_id == view.access.team_id}
    names = dict(User.objects.filter(pk__in=wanted).values_list("pk", "username"))
    return {
        lead.pk: {"id": str(lead.assigned_to_id), "userName": names[lead.assigned_to_id]}
        for lead in rows
        if lead.assigned_to_id in names
    }


def _tags(view: ApiView, rows: Sequence[Lead]) -> Mapping[UUID, Any]:
    links = Lead.tags.through.objects.filter(lead__in=_theirs(view, rows)).select_related("tag").order_by("tag__name")
    found: dict[UUID, list[Any]] = {}
    for link in links:
        found.setdefault(link.lead_id, []).append(TagSerializer(link.tag).data)
    return found


def _activities(view: ApiView, rows: Sequence[Lead]) -> Mapping[UUID, Any]:
    place = Window(RowNumber(), partition_by=F("lead"), order_by=F("pk").desc())
    latest = Activity.objects.filter(lead__in=_theirs(view, rows)).annotate(place=place).filter(place__lte=LATEST)
    told = str if sees_contacts(view.request) else masked_text
    found: dict[UUID, list[Any]] = {}
    for one in latest.select_related("by").order_by("-pk"):
        shown = LeadActivity({"id": one.pk, "kind": one.kind, "text": told(one.text), "dueAt": one.due_at,
                       "by": one.by.username if one.by else None, "createdAt": one.created_at}).data  # fmt: skip
        found.setdefault(one.lead_id, []).append(shown)
    return found


def _contacts(view: ApiView, rows: Sequence[Lead]) -> Mapping[UUID, Any]:
    """From the rows themselves: no statement. The page has been recorded as shown where contacts are."""
    may_see = sees_contacts(view.request) and all(lead.team_id == view.access.team_id for lead in rows)
    return {lead.pk: contacts_of(lead, is_masked=not may_see) for lead in rows}


def contacts_of(lead: Lead, *, is_masked: bool) -> list[dict[str, Any]]:
    """Every phone and e-mail of a lead, each once: those it shows first, then what lost against them."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    shown = (
        ("phone", "phone", lead.phone, lead.phone_type, lead.phone_do_not_call),
        ("phone", "secondary_phone", lead.secondary_phone, lead.secondary_phone_type, lead.secondary_phone_do_not_call),
        ("email", "email", lead.email, None, None),
    )
    for kind, column, value, sort, flag in shown:
        if value:
            told = masked(column, value) if is_masked else value
            entry = {"kind": kind, "value": told, "shown": True, "type": sort, "doNotCall": flag}
            found.setdefault((kind, value), entry)
    for column in ("phone", "secondary_phone", "email"):
        kind = "email" if column == "email" else "phone"
        for other in (lead.other_facts or {}).get(column, ()):
            value = other.get("value")
            if isinstance(value, str) and value:
                told = masked(column, value) if is_masked else value
                entry = {"kind": kind, "value": told, "shown": False, "type": None, "doNotCall": None}
                found.setdefault((kind, value), entry)
    return list(found.values())


def _suppressed(view: ApiView, rows: Sequence[Lead]) -> Mapping[UUID, Any]:
    return suppressed(_theirs(view, rows), contacts=sees_contacts(view.request))


INCLUDES = {
    "bucket": Include(_buckets, LeadBucket()),
    "assignee": Include(_assignees, LeadPerson(allow_null=True)),
    "tagDetails": Include(_tags, TagSerializer(many=True), empty=[]),
    "activities": Include(_activities, LeadActivity(many=True, help_text=f"The latest {LATEST}"), empty=[]),
    "contacts": Include(_contacts, LeadContact(many=True, help_text="Every phone and e-mail"), empty=[]),
    "suppressions": Include(_suppressed, LeadSuppression(many=True, help_text="Who must not be contacted"), empty=[]),
}


def leads_list(query: type[StrictSerializer], **options: Any) -> ListOf:
    """A list of leads that takes this query."""
    return ListOf("leads", LeadSerializer, query=query, includes=INCLUDES, **options)


def context_of(view: ApiView, rows: Sequence[Lead], *, looks_only: bool = False) -> dict[str, Any]:
    """What the serializer needs of a page's leads at once: tags, owners' keys, and whether contacts are masked.

    looks_only: tags and owners' keys are not told.
    """
    tags, owner_keys = tags_and_owners([] if looks_only else rows)
    return {
        "tags": tags,
        "owner_keys": owner_keys,
        "is_masked": are_masked(view.request, rows),
        "looks_only": looks_only,
    }
