"""A lead's own page: who it is, how it is reached, what is known and since when, what was done, and what to do next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.selectors import user_of
from common.admin import dressed, is_id, page
from common.admin_extensions import Extensible
from common.contact_access import may_see_contacts
from integrations.vendors.errors import failure_in_words
from leads.admin.lead_facts import another_owner, contacts, groups, map_address, place, signals
from leads.models import Activity, Disclosure, Lead
from leads.rules import BadTime
from leads.selection.disclosures import record_unmasking
from leads.services import add_activity, add_tag, change_status, finish_callback, remove_tag

ACTIVITIES = 20  # of one page of the timeline
_KINDS = [choice for choice in Activity.Kind.choices if choice[0] != Activity.Kind.STATUS]


class _OwnTimeField(forms.CharField):
    """Date and time by the clock of the user who types them, which the service knows."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def to_python(self, value: object) -> Any:
        text = super().to_python(value)
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            raise forms.ValidationError("Enter a date and a time, such as 2027-01-30 14:30.") from None


class WorkForm(forms.Form):
    """A change of status, a note, or both. `was` and `seen` say what the page showed when the person decided."""

    status = forms.ChoiceField(choices=Lead.Status.choices)
    kind = forms.ChoiceField(choices=_KINDS, label="Activity type", initial=Activity.Kind.NOTE)
    due_at = _OwnTimeField(required=False, label="Call back at")
    text = forms.CharField(max_length=2000, required=False, label="Notes", widget=forms.Textarea(attrs={"rows": 3}))
    was = forms.CharField(widget=forms.HiddenInput, max_length=10)
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def clean(self) -> dict[str, Any]:
        """Something must have been chosen or written."""
        data: dict[str, Any] = {**self.cleaned_data}
        if data.get("kind") == Activity.Kind.CALLBACK and "due_at" in data and not data["due_at"]:
            self.add_error("due_at", "Enter when to call back.")
        if not self.errors and not self._notes(data) and data["status"] == data["was"]:
            raise forms.ValidationError("Change the status, or write a note.")
        return data

    def _notes(self, data: dict[str, Any]) -> bool:
        return bool(data["text"] or data["due_at"] or data["kind"] != Activity.Kind.NOTE)

    def carry_out(self, lead: Lead, by: User) -> None:
        """Somebody else may have moved the lead meanwhile: only a status that was chosen here is set."""
        data = self.cleaned_data
        with transaction.atomic():
            if data["status"] != data["was"]:
                change_status(lead=lead, by=by, status=data["status"])
            if self._notes(data):  # last: a second press must find it as the latest
                add_activity(
                    lead=lead, by=by, kind=data["kind"], text=data["text"], due_at=data["due_at"], seen=data["seen"]
                )

    def is_done(self, lead: Lead, by: User) -> bool:
        """Carries it out if it can be; what is wrong stands in the form."""
        try:
            if self.is_valid():
                self.carry_out(lead, by)
        except BadTime as error:
            self.add_error("due_at", str(error))
        return self.is_valid()


class TagForm(forms.Form):
    tag = forms.CharField(max_length=50, label="New tag")


def lead_page(model_admin: Extensible, request: HttpRequest, lead: Lead) -> HttpResponse:
    """The page, and what its forms post: `do` says which."""
    do = request.POST.get("do", "") if request.method == "POST" else ""
    work, tag = _work_form(lead), TagForm(auto_id="tag_%s")
    if do == "show":
        if not may_see_contacts(request.user):
            raise PermissionDenied
        record_unmasking(leads=[lead], by=user_of(request), via=Disclosure.Via.ADMIN)
        return _page(model_admin, request, lead, work, tag, shown=True)
    if do == "work":
        work = WorkForm(request.POST)
        if work.is_done(lead, user_of(request)):
            return _again(model_admin, request, lead, "Activity saved.")
    if do == "done":
        is_shown = lead.callback_at is not None and request.POST.get("due") == lead.callback_at.isoformat()
        if is_shown and finish_callback(lead=lead, by=user_of(request)):
            return _again(model_admin, request, lead, "Callback done.")
        return _again(model_admin, request, lead, "This callback was already done or moved.")
    if do == "tag":
        tag = TagForm(request.POST, auto_id="tag_%s")
        if tag.is_valid():
            add_tag(leads=[lead], name=tag.cleaned_data["tag"])
            return _again(model_admin, request, lead, f"Tagged: {tag.cleaned_data['tag']}")
    if do == "untag":
        name = request.POST.get("tag", "").replace("\x00", "")[:50]
        remove_tag(leads=[lead], name=name)
        return _again(model_admin, request, lead, f"Tag removed: {name}")
    return _page(model_admin, request, lead, work, tag, shown=False)


def _work_form(lead: Lead) -> WorkForm:
    return WorkForm(initial={"status": lead.status, "was": lead.status, "seen": lead.activity_count})


def _again(model_admin: Extensible, request: HttpRequest, lead: Lead, words: str) -> HttpResponse:
    model_admin.message_user(request, words, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:leads_lead_change", args=[lead.pk]))


def _page(
    model_admin: Extensible, request: HttpRequest, lead: Lead, work: WorkForm, tag: TagForm, *, shown: bool
) -> HttpResponse:
    before = request.GET.get("before", "")
    activities = lead.activities.select_related("by").order_by("-pk")
    if is_id(before):
        activities = activities.filter(pk__lt=before)
    timeline = list(activities[: ACTIVITIES + 1])
    work.fields["due_at"].help_text = f"By your clock ({user_of(request).time_zone})"
    return page(
        model_admin,
        request,
        "admin/leads/lead/page.html",
        str(lead),
        lead=lead,
        original=lead,  # the theme's way back
        place=place(lead),
        contacts=contacts(lead, shown=shown),
        contacts_shown=shown,
        may_show=may_see_contacts(request.user),
        signals=signals(lead),
        last_error=failure_in_words(lead.enrichment_error or ""),
        groups=groups(lead),
        another_owner=another_owner(lead),
        map_address=map_address(lead),
        is_due=lead.callback_at is not None and lead.callback_at < timezone.now(),
        work=dressed(work),
        tag_form=dressed(tag),
        tags=list(lead.tags.order_by("name")),
        timeline=timeline[:ACTIVITIES],
        older=timeline[ACTIVITIES - 1].pk if len(timeline) > ACTIVITIES else None,
        is_first=not is_id(before),
        **model_admin.added_context(request, lead),
    )
