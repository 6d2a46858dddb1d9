"""Campaigns: the list, the draft, and one page from the dry run to the results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import access
from accounts.fresh import requires_fresh_to_change
from accounts.selectors import user_of
from buckets.filling.algebra import SetError
from campaigns.admin import campaign_page, people_pages, revise_page
from campaigns.admin.campaign_form import CampaignForm, dressed_whole
from campaigns.admin.words import dollars
from campaigns.models import Campaign, TemplateVersion
from campaigns.planning.audience import check, leads_of
from campaigns.planning.campaigns import (
    Plan,
    change_campaign,
    create_campaign,
    delete_campaign,
    may_draft,
    send_to_failed,
)
from campaigns.planning.refusals import CampaignError
from campaigns.previews.asking import start_preview
from campaigns.running import lifecycle
from campaigns.running.approval import ACKNOWLEDGEMENTS, approve
from campaigns.texts.looks import look
from campaigns.texts.samples import price_of
from campaigns.texts.scripts import read_out
from campaigns.texts.templates import typed_of
from common.admin import Empty, ask, confirmed, history_of, is_id, page
from common.admin_teams import TeamAdmin
from leads.permission.selling import active_seller
from leads.selection.filters import BadFilter

HOW = ("sender", "mail_sender", "max_cost", "daily_limit", "opens", "closes")
REFUSED = (CampaignError, BadFilter, SetError)


@admin.register(Campaign)
class CampaignAdmin(TeamAdmin):
    """Drafts and dry runs are a buyer's, what contacts somebody is a manager's, readers look: the services decide."""

    empty = Empty(
        "Campaigns write to the owners of your leads, in steps of e-mails, texts and calls, once a manager has "
        "approved a dry run.",
        "Add campaign",
        "campaigns_campaign_add",
    )
    list_display = (
        "called", "status", "members", "has_sent", "delivered", "failed", "replied", "opted_out", "created_at",
    )  # fmt: skip
    list_filter = ("status",)
    search_fields = ("name", "=id")

    @admin.display(description="name", ordering="name")
    def called(self, row: Campaign) -> str:
        return f"{row.name} ({row.part})" if row.split_group else row.name

    @admin.display(description="sent")
    def has_sent(self, row: Campaign) -> int:
        return row.sent

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._works_here(request) and _may_draft(request)

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        acts: dict[str, Callable[..., HttpResponse]] = {
            "dry-run": self.dry_run, "approve": self.approve, "launch": self.launch, "pause": self.pause,
            "resume": self.resume, "again": self.again,
        }  # fmt: skip
        return [
            path("texts/", inside(require_safe(self.texts)), name="campaigns_campaign_texts"),
            path("<uuid:campaign_id>/edit/", inside(self.edit), name="campaigns_campaign_edit"),
            path("<uuid:campaign_id>/live/", inside(require_safe(self.live)), name="campaigns_campaign_live"),
            path("<uuid:campaign_id>/cancel/", inside(self.cancel), name="campaigns_campaign_cancel"),
            path("<uuid:campaign_id>/revise/", inside(self.revise), name="campaigns_campaign_revise"),
            path("<uuid:campaign_id>/remove/", inside(self.remove), name="campaigns_campaign_remove"),
            *(
                path(f"<uuid:campaign_id>/{name}/", inside(require_POST(act)), name=f"campaigns_campaign_{name}")
                for name, act in acts.items()
            ),
            *people_pages.urls(self),
            *super().get_urls(),
        ]

    def campaign(self, request: HttpRequest, campaign_id: UUID | str) -> Campaign:
        """One that she may look at, or, where she posts, work on. Raises Http404."""
        rows = self.get_queryset(request).select_related(
            "owner", "seller", "sender", "mail_sender", "preview", "bucket"
        )
        found: Campaign | None = rows.filter(pk=campaign_id).first() if is_id(str(campaign_id)) else None
        if found is None:
            raise Http404("There is no such campaign.")
        return found

    # --- The draft ----------------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied("A campaign is drafted by a buyer or manager who may see phones and e-mails.")
        bucket = request.GET.get("bucket", "")
        posted = request.POST if request.method == "POST" else None
        form = CampaignForm(posted, person=access(request), bucket=bucket if is_id(bucket) else "")
        if form.is_valid():
            try:
                plan = Plan(**form.changes())
                first, *others = create_campaign(
                    access=access(request), plan=plan, split=form.cleaned_data["split"]
                )  # fmt: skip
            except CampaignError as error:
                form.refuse(error)
            else:
                more = f", in {len(others) + 1} parts" if others else ""
                self.message_user(request, f"Saved as a draft{more}: make a dry run.", messages.SUCCESS)
                return redirect("admin:campaigns_campaign_change", first.pk)
        return self._form(request, form, "Add campaign")

    def edit(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = self.campaign(request, campaign_id)
        if campaign.team_id != access(request).team_id or not _may_draft(request):
            raise PermissionDenied("A campaign is changed by a buyer or manager of its team.")
        form = CampaignForm(
            request.POST if request.method == "POST" else None, person=access(request), campaign=campaign
        )
        if form.is_valid():
            try:
                change_campaign(campaign=campaign, access=access(request), changes=form.changes())
            except CampaignError as error:
                form.refuse(error)
            else:
                self.message_user(request, "Saved as a draft: make a dry run.", messages.SUCCESS)
                return redirect("admin:campaigns_campaign_change", campaign.pk)
        return self._form(request, form, campaign.name, campaign=campaign)

    def _form(self, request: HttpRequest, form: CampaignForm, title: str, **more: Any) -> HttpResponse:
        shown = dressed_whole(form)
        parts = [
            ("Whom", [shown[name] for name in ("name", "whom", "preset", "limit")]),
            ("How", [shown[name] for name in HOW]),
        ]
        return page(
            self, request, "admin/campaigns/form.html", title, form=shown, parts=parts, weekdays=shown["weekdays"],
            split=shown["split"] if "split" in shown.fields else None, script=shown["script"],
            counting=[shown[name] for name in ("track_clicks", "track_opens", "stop_click")], **more,
        )  # fmt: skip

    def texts(self, request: HttpRequest) -> HttpResponse:
        """The piece of the form that counts the people, and shows the texts as one of them gets them."""
        if not self.has_add_permission(request):
            raise PermissionDenied("A campaign is drafted by a buyer or manager who may see phones and e-mails.")
        asked = request.GET.get("campaign", "")
        campaign = self.campaign(request, asked) if asked else None
        if campaign is not None and campaign.team_id != access(request).team_id:
            raise Http404("There is no such campaign.")
        form = CampaignForm(request.GET, person=access(request), campaign=campaign)
        form.is_valid()
        return TemplateResponse(request, "admin/campaigns/texts.html", self._texts(request, form))

    def _texts(self, request: HttpRequest, form: CampaignForm) -> dict[str, Any]:
        person, owner = access(request), form.campaign.owner if form.campaign else user_of(request)
        team_id = may_draft(person)
        asked = request.GET.get("place", "")
        place = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
        told: dict[str, Any] = {"next": place + 1}
        lead = None
        if form.cleaned_data.get("whom"):
            try:
                audience = form.audience()
                told["sizes"] = check(audience, team_id=team_id, owner=owner)
                rows = leads_of(audience, team_id=team_id, owner=owner)
                lead = rows[place : place + 1].first()
                if lead is None:  # past the last
                    lead, told["next"] = rows.first(), 1
                told["lead"] = lead
            except REFUSED as error:
                told["trouble"] = str(error)
        seller = active_seller(team_id)
        versions = _versions([text for step in form.used for text in step.texts], team_id)
        told["calls"] = {step.position for step in form.used if step.is_call}
        script = str(form.cleaned_data.get("script") or "").strip()
        told["script"] = read_out(script, lead, seller, owner) if script and lead else script
        told["steps"] = [
            (step.position, step.sends, [
                (name, shown, dollars(price_of(shown)) if step.sends == "sms" else "")
                for name, text in zip("AB", step.texts, strict=False)
                if text in versions
                for shown in [self._look(step.sends, versions[text], lead, seller, owner)]
            ])
            for step in form.used
        ]  # fmt: skip
        return told

    def _look(self, channel: str, version: TemplateVersion, lead: Any, seller: Any, owner: Any) -> Any:
        return look(channel, typed_of(version), lead=lead, seller=seller, agent=owner)

    # --- One page from the dry run to the results ---------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        campaign = self.campaign(request, object_id)
        if request.method == "POST":  # nothing is posted here
            return redirect("admin:campaigns_campaign_change", campaign.pk)
        return self._page(request, campaign)

    def _page(self, request: HttpRequest, campaign: Campaign, **more: Any) -> HttpResponse:
        told = campaign_page.context(request, campaign) | {"history": history_of(self, request, campaign)}
        return page(self, request, "admin/campaigns/page.html", self.called(campaign), **told, **more)

    def live(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        """The piece of the page that moves. Where the campaign has come to another state, the whole page is loaded."""
        campaign = self.campaign(request, campaign_id)
        answer = TemplateResponse(request, "admin/campaigns/live.html", campaign_page.live(request, campaign))
        standing = campaign_page.standing(campaign)
        if request.GET.get("status", standing) != standing:
            answer["HX-Refresh"] = "true"
        return answer

    def _do(self, request: HttpRequest, campaign: Campaign, deed: Callable[[], object], done: str) -> HttpResponse:
        """Raises PermissionDenied where the service says that it is not hers to do."""
        try:
            deed()
        except CampaignError as error:
            if error.code == "FORBIDDEN":
                raise PermissionDenied(str(error)) from error
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
        return redirect("admin:campaigns_campaign_change", campaign.pk)

    def dry_run(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = self.campaign(request, campaign_id)
        return self._do(
            request, campaign, lambda: start_preview(campaign=campaign, access=access(request)), "Dry run started."
        )

    def approve(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = self.campaign(request, campaign_id)
        said = [code for code in ACKNOWLEDGEMENTS if request.POST.get(f"ack-{code}")]
        try:
            approve(
                campaign=campaign, access=access(request), digest=request.POST.get("digest", ""), acknowledgements=said
            )
        except REFUSED as error:
            if getattr(error, "code", "") == "FORBIDDEN":
                raise PermissionDenied(str(error)) from error
            told = campaign_page.difference(request, error) if isinstance(error, CampaignError) else None
            return self._page(request, self.campaign(request, campaign_id), refusal=str(error), difference=told)
        done = "Approved. Nobody is contacted before it is launched."
        if campaign.started_at is not None:
            done = "Approved: who has not got the step yet gets the new text."
        self.message_user(request, done, messages.SUCCESS)
        return redirect("admin:campaigns_campaign_change", campaign.pk)

    def revise(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        return revise_page.answer(self, request, self.campaign(request, campaign_id))

    @requires_fresh_to_change
    def launch(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        return self._deed(request, campaign_id, lifecycle.launch, "Launched.")

    def pause(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        return self._deed(request, campaign_id, lifecycle.pause, "Paused: nothing more is sent.")

    def resume(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        return self._deed(request, campaign_id, lifecycle.resume, "Resumed: every rule is asked again.")

    def _deed(self, request: HttpRequest, campaign_id: UUID, deed: Callable[..., Campaign], done: str) -> HttpResponse:
        campaign = self.campaign(request, campaign_id)
        return self._do(request, campaign, lambda: deed(campaign=campaign, access=access(request)), done)

    def cancel(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = self.campaign(request, campaign_id)
        if confirmed(request):
            return self._deed(request, campaign_id, lifecycle.cancel, "Cancelled: nobody more is contacted.")
        lines = ["Nobody more is contacted, for good. At most the messages being sent at this moment still leave."]
        return self._ask(request, campaign, f"Cancel {campaign}?", lines, "Cancel campaign")

    def remove(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = self.campaign(request, campaign_id)
        if not confirmed(request):
            return self._ask(request, campaign, f"Delete {campaign}?", ["Only a draft can be deleted."], "Delete")
        try:
            delete_campaign(campaign=campaign, access=access(request))
        except CampaignError as error:
            if error.code == "FORBIDDEN":
                raise PermissionDenied(str(error)) from error
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:campaigns_campaign_change", campaign.pk)
        self.message_user(request, f"Deleted: {campaign}.", messages.SUCCESS)
        return redirect("admin:campaigns_campaign_changelist")

    def _ask(self, request: HttpRequest, campaign: Campaign, title: str, lines: list[str], button: str) -> HttpResponse:
        back = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        return ask(self, request, [], title=title, lines=lines, button=button, back=back)

    def again(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        """A new draft over those whose message failed."""
        campaign = self.campaign(request, campaign_id)
        try:
            made = send_to_failed(campaign=campaign, access=access(request))
        except CampaignError as error:
            if error.code == "FORBIDDEN":
                raise PermissionDenied(str(error)) from error
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:campaigns_campaign_change", campaign.pk)
        self.message_user(request, "A new draft of those whose message failed: make a dry run.", messages.SUCCESS)
        return redirect("admin:campaigns_campaign_change", made.pk)


def _may_draft(request: HttpRequest) -> bool:
    try:
        may_draft(access(request))
    except CampaignError:
        return False
    return True


def _versions(texts: list[str], team_id: int) -> dict[str, TemplateVersion]:
    """What each choice of a text says: a template's newest version, or the version itself."""
    rows = TemplateVersion.objects.filter(template__team_id=team_id)
    newest = rows.filter(template__in=list(map(UUID, texts))).order_by("template_id", "-number").distinct("template_id")
    return {str(row.template_id): row for row in newest} | {str(row.pk): row for row in rows.filter(pk__in=texts)}
