"""From the dry run to the results."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import How, idempotent
from accounts.audit import record
from campaigns.api.base import CampaignView
from campaigns.api.campaigns import detail
from campaigns.api.outcome_serializers import (
    BreakdownSerializer,
    DryRunPersonSerializer,
    DryRunSerializer,
    ResultsSerializer,
)
from campaigns.api.serializers import ApproveInput, CampaignDetail, PreviewQuery, ReviseInput
from campaigns.models import Campaign, Preview
from campaigns.planning.campaigns import send_to_failed
from campaigns.previews.asking import start_preview, wait_for
from campaigns.previews.reading import csv_of, latest_made, people_of, people_told
from campaigns.running import lifecycle
from campaigns.running.approval import approve
from campaigns.running.breakdown import breakdown_of
from campaigns.running.breakdown import csv_of as breakdown_csv
from campaigns.running.results import results_of
from campaigns.running.revising import revise
from common.api.base import CsvRenderer, not_found, ok
from common.api.headers import preferred_wait
from common.api.lists import ListOf
from common.api.renderer import JSONRenderer
from common.api.schema import answer, refusal
from common.api.serializers import Nothing
from common.contact_access import sees_contacts
from common.downloads import file_answer
from common.held import waiting
from leads.selection.export import Format, Layout

WAIT = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`wait=N`: hold the answer until it is made or N s (60 at most)",
)
_ASKED = answer("PreviewAsked", preview=DryRunSerializer())


PEOPLE = ListOf(
    "people",
    DryRunPersonSerializer,
    query=PreviewQuery,
    sorts={"leadId": "pk"},
    order="leadId",
    key="lead_id",
)


class PreviewView(CampaignView):
    """The campaign's dry run: the one at work, else the latest that was made or failed."""

    @extend_schema(
        operation_id="getPreview",
        summary="The latest dry run: what would be sent to whom and when, and who is left out and why",
        parameters=[PEOPLE.query],
        responses=PEOPLE.answer("PreviewPage", preview=DryRunSerializer()),
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        query = self.query(PEOPLE.query)
        preview = Preview.objects.filter(campaign=self.campaign(campaign_id)).order_by("-pk").first()
        if preview is None:
            raise not_found("dry run of this campaign: ask for one")
        rows = people_of(preview, verdict=query.get("verdict", ""), reason=query.get("reason", ""))
        return PEOPLE.respond(
            self,
            rows,
            query=query,
            into=lambda found: people_told(preview, found, is_masked=not sees_contacts(request)),
            more=lambda _: {"preview": DryRunSerializer(preview).data},
        )

    @extend_schema(
        operation_id="makePreview",
        summary="A dry run: nothing is sent, nothing is paid",
        parameters=[WAIT],
        request=Nothing,
        responses={200: _ASKED, 202: _ASKED, 409: refusal("It was launched")},
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, campaign_id: UUID) -> Response:
        campaign, wait = self.campaign(campaign_id), preferred_wait(request)
        self.body(Nothing)
        with waiting(self.user.pk, wait):
            preview = start_preview(campaign=campaign, access=self.access)
            found = wait_for(preview.pk, wait)
        if found is None:
            raise not_found("campaign")
        headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
        return ok(202 if found.is_at_work else 200, headers=headers, preview=DryRunSerializer(found).data)


class PreviewCsvView(CampaignView):
    scopes = {"GET": Scope.EXPORT}
    needs_proof = ("GET", "HEAD")
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="exportPreview",
        summary="The latest dry run that was made, as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, campaign_id: UUID) -> StreamingHttpResponse:
        campaign, texts = self.campaign(campaign_id), sees_contacts(request)
        preview = latest_made(campaign)
        if preview is None:
            raise not_found("dry run of this campaign: ask for one")
        after = {"via": "api", "format": "csv", "leads": preview.leads}
        record("export.taken", by=self.user, team_id=campaign.team_id, about=campaign, name=campaign.name, after=after)
        name = Layout(format=Format.CSV).file_name(f"dry run {campaign.name}")
        return file_answer(csv_of(preview, texts=texts), name=name, content_type=Format.CSV.content_type)


class ReviseView(CampaignView):
    scopes = {"POST": Scope.CAMPAIGN}

    @extend_schema(
        operation_id="reviseCampaign",
        summary="Other texts from here on, for whom their step has not reached: a dry run, then approve it",
        parameters=[WAIT],
        request=ReviseInput,
        responses={200: _ASKED, 202: _ASKED, 409: refusal("It was not launched, or is over")},
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, campaign_id: UUID) -> Response:
        campaign, wait = self.campaign(campaign_id), preferred_wait(request)
        texts: dict[int, dict[str, UUID]] = {}
        for one in self.body(ReviseInput)["texts"]:
            texts.setdefault(one["step"], {})[one["variant"]] = one["templateId"]
        with waiting(self.user.pk, wait):
            preview = revise(campaign=campaign, access=self.access, texts=texts)
            found = wait_for(preview.pk, wait)
        if found is None:
            raise not_found("campaign")
        headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
        return ok(202 if found.is_at_work else 200, headers=headers, preview=DryRunSerializer(found).data)


class ApproveView(CampaignView):
    scopes = {"POST": Scope.CAMPAIGN}

    @extend_schema(
        operation_id="approveCampaign",
        summary="Approve the dry run with this digest; it is computed again",
        request=ApproveInput,
        responses={
            200: answer("CampaignApproved", campaign=CampaignDetail()),
            409: refusal("PREVIEW_CHANGED: the list is another by now; `fields` has the difference"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, campaign_id: UUID) -> Response:
        campaign, given = self.campaign(campaign_id), self.body(ApproveInput)
        return ok(campaign=detail(approve(campaign=campaign, access=self.access, **given), request))


class _DeedView(CampaignView):
    scopes = {"POST": Scope.CAMPAIGN}

    def do(self, request: Request, campaign_id: UUID, deed: Callable[..., Campaign]) -> Response:
        campaign = self.campaign(campaign_id)
        self.body(Nothing)
        return ok(campaign=detail(deed(campaign=campaign, access=self.access), request))


class LaunchView(_DeedView):
    needs_proof = ("POST",)

    @extend_schema(
        operation_id="launchCampaign",
        summary="Launch an approved campaign",
        request=Nothing,
        responses={
            200: answer("CampaignLaunched", campaign=CampaignDetail()),
            409: refusal("NOT_APPROVED, ALREADY_RUNNING, NO_VENDOR, NO_SELLER, NO_SENDER"),
        },
    )
    @idempotent()
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return self.do(request, campaign_id, lifecycle.launch)


class PauseView(_DeedView):
    @extend_schema(
        operation_id="pauseCampaign",
        summary="Pause before the next message",
        request=Nothing,
        responses={200: answer("CampaignPaused", campaign=CampaignDetail()), 409: refusal("It is not running")},
    )
    @idempotent()
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return self.do(request, campaign_id, lifecycle.pause)


class ResumeView(_DeedView):
    @extend_schema(
        operation_id="resumeCampaign",
        summary="Resume; every rule is asked again",
        request=Nothing,
        responses={200: answer("CampaignResumed", campaign=CampaignDetail()), 409: refusal("It is not paused")},
    )
    @idempotent()
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return self.do(request, campaign_id, lifecycle.resume)


class CancelView(_DeedView):
    @extend_schema(
        operation_id="cancelCampaign",
        summary="Cancel for good: nobody more is contacted",
        request=Nothing,
        responses={200: answer("CampaignCancelled", campaign=CampaignDetail()), 409: refusal("It is over")},
    )
    @idempotent()
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return self.do(request, campaign_id, lifecycle.cancel)


class ResendView(CampaignView):
    @extend_schema(
        operation_id="sendToFailed",
        summary="A new draft over the leads whose message failed",
        request=Nothing,
        responses={
            201: answer("CampaignOfFailed", campaign=CampaignDetail()),
            409: refusal("No message failed"),
        },
    )
    @idempotent()
    def post(self, request: Request, campaign_id: UUID) -> Response:
        campaign = self.campaign(campaign_id)
        self.body(Nothing)
        return ok(201, campaign=detail(send_to_failed(campaign=campaign, access=self.access), request))


class ResultsView(CampaignView):
    @extend_schema(
        operation_id="getCampaignResults",
        summary="What came of it: counters that add up, texts compared, cost per reply and conversation, by where from",
        responses=answer("CampaignResults", results=ResultsSerializer(), breakdown=BreakdownSerializer()),
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        campaign = self.campaign(campaign_id)
        breakdown = BreakdownSerializer(breakdown_of(campaign)).data
        return ok(results=ResultsSerializer(results_of(campaign)).data, breakdown=breakdown)


class ResultsCsvView(CampaignView):
    scopes = {"GET": Scope.EXPORT}
    needs_proof = ("GET", "HEAD")
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="exportCampaignResults",
        summary="What came of it by bucket, search, vendor and state, as CSV; no person is in it",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, campaign_id: UUID) -> StreamingHttpResponse:
        campaign = self.campaign(campaign_id)
        after = {"via": "api", "format": "csv", "what": "results"}
        record("export.taken", by=self.user, team_id=campaign.team_id, about=campaign, name=campaign.name, after=after)
        name = Layout(format=Format.CSV).file_name(f"results {campaign.name}")
        return file_answer(breakdown_csv(breakdown_of(campaign)), name=name, content_type=Format.CSV.content_type)
