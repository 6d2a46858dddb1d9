"""The page that adds one lead by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.imports.by_hand import BadLead, add_lead
from buckets.models import Bucket
from buckets.services import BucketGone, TeamFull
from common.admin import dressed, is_id, page
from common.admin_teams import demand

LATEST_BUCKETS = 100
_LABELS = {
    "address": "Street address", "city": "City", "state": "State", "zip": "ZIP", "apn": "APN", "county": "County",
    "fips": "County FIPS", "ownerName": "Owner", "phone": "Phone", "phoneType": "Phone is",
    "secondaryPhone": "Second phone", "email": "E-mail", "mailingAddress": "Mailing address",
    "mailingCity": "Mailing city", "mailingState": "Mailing state", "mailingZip": "Mailing ZIP", "notes": "Notes",
}  # fmt: skip
_CONTACTS = ("phone", "phoneType", "secondaryPhone", "email")
_KINDS = [("", "Not known"), ("mobile", "Mobile"), ("landline", "Landline"), ("voip", "VoIP")]


class LeadForm(forms.Form):
    """The fields of `by_hand.FIELDS`, but the vendor's id: a person has none."""

    bucket = forms.ModelChoiceField(
        queryset=Bucket.objects.none(), empty_label=None,
        error_messages={"invalid_choice": "Choose one of your team’s buckets."},
    )  # fmt: skip

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        asked = request.GET.get("bucket", "")
        super().__init__(data, initial={"bucket": asked if is_id(asked) else ""}, auto_id="lead_%s")
        own = Bucket.objects.worked_by(access(request)).order_by("-pk")
        field: Any = self.fields["bucket"]
        field.queryset = own  # any of the team's is valid; the latest are offered, and the one it was come from
        offered = list(own.only("name")[:LATEST_BUCKETS])
        if is_id(asked) and asked not in {str(one.pk) for one in offered}:
            offered += list(own.filter(pk=asked).only("name"))
        field.widget.choices = [(str(one.pk), str(one)) for one in offered]
        sees = access(request).can(Scope.CONTACTS)
        for name, label in _LABELS.items():
            if name in _CONTACTS and not sees:
                continue
            self.fields[name] = _field(name, label)

    def said(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in _LABELS if name in self.fields}


def _field(name: str, label: str) -> forms.Field:
    if name == "phoneType":
        return forms.ChoiceField(choices=_KINDS, required=False, label=label)
    if name == "notes":
        return forms.CharField(
            max_length=2000,
            required=False,
            label=label,
            widget=forms.Textarea(attrs={"rows": 3, "data-send-with": "ctrl-enter"}),
        )
    return forms.CharField(max_length=200, required=False, label=label)


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """`model_admin` is the bucket's."""

    def whole(request: HttpRequest) -> HttpResponse:
        demand(request, Scope.WRITE)
        form = LeadForm(request, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and (answer := _added(model_admin, request, form)):
            return answer
        own = Bucket.objects.worked_by(access(request))
        has_buckets = form.fields["bucket"].widget.choices or own.exists()
        return page(
            model_admin, request, "admin/by_hand.html", "Add a lead", opts=None, form=dressed(form),
            has_buckets=bool(has_buckets),
        )  # fmt: skip

    inside: Any = model_admin.admin_site.admin_view(whole)
    return [path("by-hand/", inside, name="buckets_bucket_by_hand")]


def _added(model_admin: Any, request: HttpRequest, form: LeadForm) -> HttpResponse | None:
    """To the lead's page; None: the form says what is wrong."""
    try:
        added = add_lead(bucket=form.cleaned_data["bucket"], by=user_of(request), said=form.said())
    except BadLead as error:
        for name, words in error.errors.items():
            form.add_error(name if name in form.fields else None, words)
        return None
    except (TeamFull, BucketGone) as refusal:
        form.add_error("bucket", str(refusal) or "This bucket was just deleted. Choose another.")
        return None
    if added.is_new:
        model_admin.message_user(request, f"Added: {added.lead}", messages.SUCCESS)
    else:
        words = "This property is in the bucket already: here it is, as it was. Nothing that you typed was saved."
        model_admin.message_user(request, words, messages.WARNING)
    return redirect("admin:leads_lead_change", added.lead.pk)
