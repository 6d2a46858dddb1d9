"""Leads on a map: pins in a window, or clusters where there are too many."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, Problem, not_found, ok
from common.api.schema import answer
from common.api.serializers import IdField, ObjectField, StrictSerializer, WholeField
from common.contact_access import sees_contacts
from common.values.geo import Box
from leads.api import filters
from leads.models import Lead
from leads.registries import buckets_of
from leads.selection.filters import is_teams_work, matching, understood
from leads.selection.map import PINS_MOST, ZOOM_MOST, shown_on_map
from leads.selection.map_pins import as_json, read_box
from leads.selection.search import LONGEST, sought

BOX_CHARACTERS = 200


@extend_schema_field({"type": "string", "maxLength": BOX_CHARACTERS, "example": "-122.5,47.4,-122.2,47.8"})
class _BoxField(serializers.Field[Any, Any, Any, Any]):
    """West, south, east and north in degrees. West is more than east over the date line."""

    def to_internal_value(self, data: object) -> Any:
        try:
            return read_box(data[:BOX_CHARACTERS] if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class MapQuery(StrictSerializer):
    bbox = _BoxField(help_text="The window: west,south,east,north in degrees")
    zoom = WholeField(
        min_value=0, max_value=ZOOM_MOST, help_text="Of the map, as web maps count it: 0 is the world, 10 a city"
    )
    bucketId = IdField(required=False, help_text="Leads of this bucket alone")
    q = serializers.CharField(required=False, max_length=LONGEST, help_text="As in GET /api/leads")


class PinSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    status = serializers.ChoiceField(Lead.Status.choices)
    address = serializers.CharField()
    owner = serializers.CharField(help_text="Empty: not known. Phones and e-mails in it are behind dots")
    hasPhone = serializers.BooleanField()


class ClusterSerializer(serializers.Serializer[Any]):
    latitude = serializers.FloatField(help_text="Of the middle of its leads")
    longitude = serializers.FloatField()
    leads = serializers.IntegerField()
    byStatus = serializers.DictField(child=serializers.IntegerField(), help_text="{status: leads}")
    box = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="Around them: west, south, east, north",
    )


class LeadsMapView(ApiView):
    for_callers = ("GET",)
    begins = filters.BEGINS

    @extend_schema(
        operation_id="mapLeads",
        summary=f"Leads in a map's window: up to {PINS_MOST} as pins, more as clusters of a grid",
        description="Leads whose address is not purchased have no point and are in neither. No contact is told.",
        parameters=[MapQuery, *filters.PARAMETERS],
        responses=answer(
            "LeadsMap",
            total=serializers.IntegerField(help_text="Leads in the window"),
            pins=PinSerializer(many=True),
            clusters=ClusterSerializer(many=True),
            filters=ObjectField(help_text="The filters as they were understood"),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(MapQuery, also=filters.names_in(request.query_params))
        chosen = filters.chosen(request.query_params, beside=frozenset(MapQuery().fields))
        every, theirs = self._leads_of(query.get("bucketId"))
        if theirs and (told := sorted(filter(is_teams_work, chosen))):
            raise Problem("FORBIDDEN", f"{told[0]}: what another team does about its leads is not told.", status=403)
        contacts = sees_contacts(request) and not theirs
        team_id = self.access.team_id
        leads = matching(
            every, chosen, time_zone=self.user.time_zone, contacts=contacts, me=self.user.pk, team_id=team_id
        )
        if text := query.get("q"):
            leads = leads.filter(sought(text, by=self.access, contacts=contacts).matches)
        box: Box = query["bbox"]
        shown = shown_on_map(leads, box=box, zoom=query["zoom"])
        return ok(**as_json(shown), filters=understood(chosen, team_id=team_id))

    def _leads_of(self, bucket_id: UUID | None) -> tuple[QuerySet[Lead], bool]:
        """Her leads, or those of a bucket she may look into; and whether that is another team's."""
        hers = Lead.objects.seen_by(self.access)
        if bucket_id is None:
            return hers, False
        bucket = buckets_of(self.access).filter(pk=bucket_id).first()
        if bucket is None:
            raise not_found("bucket", "bucketId")
        theirs = bucket.team_id != self.access.team_id
        return (Lead.objects.all() if theirs else hers).filter(bucket=bucket), theirs
