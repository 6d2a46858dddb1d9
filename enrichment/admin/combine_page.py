"""Set algebra over a team's buckets: what a combination would hold and cost, then the bucket of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.filling.algebra import NAME_MAX, PLACES, SetError, Sets, in_words
from buckets.filling.fills import combine
from buckets.models import Bucket, Fill
from common.admin import confirmed, dressed, is_id, page
from common.admin_teams import demand
from common.db.ids import uuid7
from enrichment.quoting.combination_preview import Preview, preview

SHOWN = 100  # latest buckets to choose from
_FIELDS = {"name": "name", "allOf": None, "anyOf": None, "noneOf": None, "": None}  # of SetError, by the form's names


def urls(model_admin: admin.ModelAdmin[Bucket]) -> list[URLPattern]:
    """The page. `model_admin` is the bucket's."""

    def view(request: HttpRequest) -> HttpResponse:
        return _combine(model_admin, request)

    return [path("combine/", model_admin.admin_site.admin_view(view), name="buckets_bucket_combine")]


class CombineForm(forms.Form):
    """A place for each of a team's buckets, and the new one's name."""

    name = forms.CharField(max_length=NAME_MAX, label="Name of the new bucket")
    press = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    def __init__(self, data: QueryDict | None, *, initial: dict[str, str], buckets: list[Bucket]) -> None:
        super().__init__(data, initial=initial)
        for bucket in buckets:
            self.fields[f"set-{bucket.pk}"] = forms.ChoiceField(
                required=False, choices=PLACES, label=str(bucket), help_text=f"{bucket.total_leads:,}"
            )

    @property
    def places(self) -> list[Any]:
        """The bound fields of the buckets."""
        return [self[name] for name in self.fields if name.startswith("set-")]

    def sets(self) -> Sets:
        said = self.cleaned_data.items()
        return Sets.of_places(
            {UUID(name.removeprefix("set-")): place for name, place in said if name.startswith("set-") and place}
        )


def made_in_words(fill: Fill) -> str:
    """What a person is told of a copy that was just made."""
    rest = " The rest is being copied; this page shows progress." if fill.pending_slices else ""
    leads = f"{fill.bucket.total_leads:,} {'lead' if fill.bucket.total_leads == 1 else 'leads'}"
    return f"{fill.bucket}: {leads}. It was free.{rest}"


def _combine(model_admin: admin.ModelAdmin[Bucket], request: HttpRequest) -> HttpResponse:
    """A GET shows what its address would hold; a POST with `confirmed` makes it, any other leads to that address."""
    demand(request, Scope.WRITE)
    if request.method == "POST" and not confirmed(request):
        return redirect(f"{request.path}?{_asked(request.POST)}")
    who: dict[str, Any] = {"by": user_of(request), "team_id": access(request).team_id}
    buckets = list(Bucket.objects.worked_by(access(request)).order_by("-pk")[:SHOWN])
    first = {f"set-{request.GET['all_of']}": "all_of"} if is_id(request.GET.get("all_of", "")) else {}
    data = request.POST if request.method == "POST" else _looked(request.GET)
    form = CombineForm(data, initial=first, buckets=buckets)
    would_be, words = None, ""
    if request.method != "POST":
        form.fields["name"].required = False  # the price may be seen before it has a name
    if form.is_valid():
        sets = form.sets()
        try:
            if confirmed(request):
                given = form.cleaned_data
                fill = combine(**who, name=given["name"], sets=sets, press=given["press"])
                model_admin.message_user(request, made_in_words(fill), messages.SUCCESS)
                return redirect("admin:buckets_bucket_change", fill.bucket_id)
            would_be = preview(**who, sets=sets)
            words = in_words(sets, {bucket.pk: str(bucket) for bucket in buckets})
        except SetError as refusal:
            form.add_error(_FIELDS.get(refusal.field), str(refusal))
    return _shown(model_admin, request, form, would_be, words, more=len(buckets) == SHOWN)


def _asked(data: QueryDict) -> str:
    """What was chosen, as the address of what it would hold."""
    places = {name: value for name, value in data.items() if name.startswith("set-") and value}
    return urlencode({"look": "1", "name": str(data.get("name", ""))[:NAME_MAX], **places})


def _looked(query: QueryDict) -> QueryDict | None:
    """The choice that an address holds; None: it holds none."""
    if "look" not in query:
        return None
    data = query.copy()
    data["press"] = str(uuid7())
    return data


def _shown(
    model_admin: admin.ModelAdmin[Bucket],
    request: HttpRequest,
    form: CombineForm,
    would_be: Preview | None,
    words: str,
    *,
    more: bool,
) -> HttpResponse:
    return page(
        model_admin,
        request,
        "admin/combine.html",
        "Combine buckets",
        form=dressed(form),
        would_be=would_be,
        words=words,
        looked_at=form.sets().as_query() if would_be else "",
        more=SHOWN if more else 0,
    )
