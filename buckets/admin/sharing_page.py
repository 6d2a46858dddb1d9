"""Letting another team look into a bucket: on the bucket's page, and the list of what others share with one's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from accounts.access import Scope, access
from accounts.models import Team
from accounts.selectors import user_of
from accounts.teams.services import NoSuchTeamName, team_called
from buckets.models import Bucket
from buckets.services import share_bucket, unshare_bucket
from common.admin import sees_all
from common.admin_teams import demand, may


class SharedWithYou(admin.SimpleListFilter):
    """The team's own buckets, those that other teams share with it, or both."""

    title = "shared"
    parameter_name = "shared"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("yes", "Shared with you"), ("no", "Your team’s own")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        theirs = Bucket.objects.shared_with(access(request)).values("pk")
        if self.value() == "yes":
            return queryset.filter(pk__in=theirs)
        return queryset.exclude(pk__in=theirs) if self.value() == "no" else queryset


class ShareForm(forms.Form):
    """Which team, by its name or id: teams are not listed to each other."""

    team = forms.CharField(max_length=100)

    def clean_team(self) -> Team:
        try:
            return team_called(self.cleaned_data["team"])
        except NoSuchTeamName as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """`model_admin` is the bucket's."""

    def share(request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        return _share(model_admin, request, bucket_id)

    def unshare(request: HttpRequest, bucket_id: UUID, team_id: int) -> HttpResponse:
        return _unshare(model_admin, request, bucket_id, team_id)

    inside: Any = model_admin.admin_site.admin_view
    return [
        path("<uuid:bucket_id>/share/", inside(require_POST(share)), name="buckets_bucket_share"),
        path("<uuid:bucket_id>/unshare/<int:team_id>/", inside(require_POST(unshare)), name="buckets_bucket_unshare"),
    ]


def context(request: HttpRequest, bucket: Bucket) -> dict[str, Any]:
    """What a bucket's page shows of it."""
    own = bucket.team_id == access(request).team_id
    return {
        "is_other_teams": not own,
        "owning_team": bucket.team if not own else None,
        "may_work": may(request, Scope.WRITE, bucket.team_id),
        "may_buy": may(request, Scope.BUY, bucket.team_id),
        "may_share": may(request, Scope.MANAGE, bucket.team_id),
        "may_show_others": may(request, Scope.CONTACTS, bucket.team_id),
        "shares": bucket.shares.select_related("team", "by").order_by("pk") if own or sees_all(request) else (),
    }


def _bucket(model_admin: admin.ModelAdmin[Any], request: HttpRequest, bucket_id: UUID) -> Bucket:
    demand(request, Scope.MANAGE)
    bucket: Bucket | None = model_admin.get_queryset(request).filter(pk=bucket_id).first()
    if bucket is None:
        raise Http404("There is no such bucket.")
    return bucket


def _share(model_admin: admin.ModelAdmin[Any], request: HttpRequest, bucket_id: UUID) -> HttpResponse:
    bucket, form = _bucket(model_admin, request, bucket_id), ShareForm(request.POST)
    demand(request, Scope.CONTACTS)  # whom it is shared with sees them
    if not form.is_valid():
        model_admin.message_user(request, " ".join(map(str, form.errors["team"])), messages.ERROR)
        return redirect("admin:buckets_bucket_change", bucket.pk)
    team = form.cleaned_data["team"]
    try:
        share_bucket(bucket=bucket, team=team, by=user_of(request))
    except ValueError as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
    else:
        model_admin.message_user(request, f"{team} can now look into this bucket.", messages.SUCCESS)
    return redirect("admin:buckets_bucket_change", bucket.pk)


def _unshare(model_admin: admin.ModelAdmin[Any], request: HttpRequest, bucket_id: UUID, team_id: int) -> HttpResponse:
    bucket = _bucket(model_admin, request, bucket_id)
    ended = unshare_bucket(bucket=bucket, team_id=team_id, by=user_of(request))
    words = "No longer shared with this team." if ended else "It was not shared with this team."
    model_admin.message_user(request, words, messages.SUCCESS if ended else messages.WARNING)
    return redirect("admin:buckets_bucket_change", bucket.pk)
