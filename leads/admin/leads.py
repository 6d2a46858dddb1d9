"""The list of leads: filters, search, a person's own views, and what is done to many at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar
from urllib.parse import unquote

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.loader import render_to_string

from accounts.selectors import user_of
from common.admin import Empty, OwnedAdmin, ask, chosen, confirmed, is_id, sees_all
from common.admin_extensions import Extensible
from common.contact_access import masked, may_see_contacts
from common.dates import moment
from leads.admin import lead_page, saved_views
from leads.admin.base import csv_answer
from leads.admin.filters import FILTERS
from leads.admin.keyset_list import KeysetList
from leads.admin.lead_facts import DO_NOT_CALL
from leads.facts.sources import name_of, other_person
from leads.models import Lead, SavedView
from leads.registries import buckets_of
from leads.selectors import FOUND_AT_MOST, search_ids
from leads.services import add_tag, change_status, remove_tag

STATUS_LOOKS = {"new": "", "contacted": "info", "qualified": "success", "closed": "primary", "lost": "warning"}
ENRICHMENT_LOOKS = {"pending": "", "completed": "success", "partial": "warning", "failed": "danger"}
_FILTERED_BY = {"status__exact", "enrichment_status__exact", *(str(one.parameter_name) for one in FILTERS)}


@cache
def _label(text: str, look: str) -> str:
    """The theme's label, drawn once: drawn for each row, labels took an eighth of the list's time."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": look})


class _StatusForm(forms.Form):
    status = forms.ChoiceField(choices=Lead.Status.choices)


class _TagForm(forms.Form):
    tag = forms.CharField(max_length=50, help_text="Upper and lower case make no difference")


@admin.register(Lead)
class LeadAdmin(Extensible, OwnedAdmin):
    """Newest first, by id. Facts are bought, not typed: a person moves a lead on, tags it and notes what was done."""

    empty = Empty(
        "Leads are the properties you save to a bucket, from a search or a file.",
        "Find properties",
        "buckets_bucket_find",
    )
    editable = True
    list_display = (
        "property",
        "in_bucket",
        "stage",
        "facts",
        "shown_owner",
        "shown_phone",
        "do_not_call",
        "shown_email",
        "place",
    )
    list_select_related = ("bucket",)
    list_filter = FILTERS
    list_filter_submit = True
    list_filter_sheet = True
    list_fullwidth = True
    list_before_template = "admin/leads/lead/views.html"
    search_fields = ("property_id",)
    show_facets = admin.ShowFacets.NEVER
    actions: Any = ("move", "tag", "untag", "export")
    ordering: ClassVar[Any] = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("apollo_data")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> Any:
        return KeysetList

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the time to call back at, by this person's clock, where it is filtered by."""
        name, *others = super().get_list_display(request)
        if not request.GET.get("callback"):
            return [name, *others]

        @admin.display(description="call back at")
        def call_back_at(lead: Lead) -> str:
            return moment(lead.callback_at)

        return [name, call_back_at, *others]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By the filters alone: `?phone__startswith=` would tell a masked number digit by digit."""
        return lookup in _FILTERED_BY

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """By id, by property id in each bucket, and by what a lead's texts begin with: each by its index."""
        text = search_term.strip().replace("\x00", "")
        if not text:
            return queryset, False
        if is_id(text):
            return queryset.filter(pk=text), False
        owners = get_user_model().objects.values("pk") if sees_all(request) else [request.user.pk]
        leads = queryset.filter(owner__in=owners)
        ids, more = search_ids(leads, text, contacts=may_see_contacts(request.user))
        same = queryset.filter(bucket__in=buckets_of(user_of(request)).values("pk"), property_id=text)
        ids += same.order_by().values_list("pk", flat=True)[:FOUND_AT_MOST]
        if more and request.method == "GET":
            words = f"More than {FOUND_AT_MOST} matches; some are shown. Type more to narrow the search."
            self.message_user(request, words, messages.WARNING)
        return queryset.filter(pk__in=ids), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With words on what this person may search by."""
        found = super().get_changelist_instance(request)
        found.search_help_text = "Address, APN, owner" + (
            ", phone, e-mail" if may_see_contacts(request.user) else ", property id"
        )
        return found

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, below this person's views of it."""
        saved = SavedView.objects.owned_by(user_of(request)).order_by("name") if request.method == "GET" else []
        title = {"title": "Callbacks"} if request.GET.get("callback") else {}
        return super().changelist_view(request, {**(extra_context or {}), **title, "saved_views": list(saved)})

    def get_urls(self) -> Any:
        return [*saved_views.urls(self), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The lead's own page."""
        key = unquote(object_id)
        rows = self.get_queryset(request).defer(None).select_related("bucket", "owner")
        lead = rows.filter(pk=key).first() if is_id(key) else None
        if lead is None:
            raise Http404("There is no such lead.")
        return lead_page.lead_page(self, request, lead)

    # --- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description="property")
    def property(self, lead: Lead) -> str:
        return str(lead)

    @admin.display(description="bucket")
    def in_bucket(self, lead: Lead) -> str:
        return str(lead.bucket)

    @admin.display(description="status")
    def stage(self, lead: Lead) -> str:
        return _label(lead.get_status_display(), STATUS_LOOKS[lead.status])

    @admin.display(description="data")
    def facts(self, lead: Lead) -> str:
        return _label(lead.data_label, ENRICHMENT_LOOKS[lead.enrichment_status])

    @admin.display(description="owner")
    def shown_owner(self, lead: Lead) -> str:
        return name_of(vars(lead)) or "–"

    @admin.display(description="phone")
    def shown_phone(self, lead: Lead) -> str:
        if not lead.phone:
            return "–"
        person = other_person(vars(lead), "phone")
        return f"{masked('phone', lead.phone)}{f', another person’s phone ({person})' if person else ''}"

    @admin.display(description="DNC")
    def do_not_call(self, lead: Lead) -> str:
        return _label(*DO_NOT_CALL[lead.phone_do_not_call]) if lead.phone else "–"

    @admin.display(description="e-mail")
    def shown_email(self, lead: Lead) -> str:
        return masked("email", lead.email) or "–"

    @admin.display(description="place")
    def place(self, lead: Lead) -> str:
        return ", ".join(filter(None, (lead.property_city, lead.property_state))) or "–"

    # --- What is done to many -----------------------------------------------------------------------------------------

    @admin.action(description="Change status …")
    def move(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        def act(leads: list[Lead], status: str) -> str:
            moved = [lead for lead in leads if lead.status != status]
            for lead in moved:  # a transaction each: killed in between, the same again moves the rest
                change_status(lead=lead, by=user_of(request), status=status)
            return f"{len(moved)} of {len(leads)} leads changed to {Lead.Status(status).label}."

        return self._ask(request, queryset, _StatusForm, act, title="Change status", button="Change status")

    @admin.action(description="Add a tag …")
    def tag(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        def act(leads: list[Lead], name: str) -> str:
            return f"{name}: {add_tag(leads=leads, name=name)} of {len(leads)} leads tagged."

        return self._ask(request, queryset, _TagForm, act, title="Add a tag", button="Add tag")

    @admin.action(description="Remove a tag …")
    def untag(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        def act(leads: list[Lead], name: str) -> str:
            return f"{name}: {remove_tag(leads=leads, name=name)} of {len(leads)} leads untagged."

        return self._ask(request, queryset, _TagForm, act, title="Remove a tag", button="Remove tag")

    def _ask(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        form_class: type[forms.Form],
        act: Callable[[list[Lead], str], str],
        *,
        title: str,
        button: str,
    ) -> HttpResponse | None:
        """The page in between, until its one field is right; then the deed."""
        leads = chosen(self, request, queryset)
        if not leads:
            return None
        form = form_class(request.POST if confirmed(request) else None)
        if not form.is_valid():
            lines = [f"{len(leads)} {'lead' if len(leads) == 1 else 'leads'}"]
            return ask(self, request, leads, title=title, lines=lines, button=button, form=form, is_free=True)
        (value,) = form.cleaned_data.values()
        self.message_user(request, act(leads, value), messages.SUCCESS)
        return None

    @admin.action(description="Export selected (CSV)", permissions=["export"])
    def export(self, request: HttpRequest, queryset: QuerySet[Any]) -> StreamingHttpResponse | None:
        leads = chosen(self, request, queryset)
        if not leads:
            return None
        buckets = {lead.bucket_id for lead in leads}
        rows = Lead.objects.filter(pk__in=[lead.pk for lead in leads])
        return csv_answer(request, rows, bucket_id=buckets.pop() if len(buckets) == 1 else None)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may not is not offered it; who asks all the same is refused, not ignored."""
        if request.POST.get("action") == "export" and not may_see_contacts(request.user):
            raise PermissionDenied
        return may_see_contacts(request.user)
