"""The list of leads: filters, search, a person's own views, and what is done to many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar
from urllib.parse import unquote

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.html import format_html

from accounts.access import Scope, access
from common.admin import Empty, is_id, sees_all
from common.admin_extensions import Extensible
from common.admin_teams import READS, TEAM, TeamAdmin, may_write
from common.contact_access import masked, masked_text
from leads.admin import (
    board,
    bulk,
    columns,
    custom_columns,
    lead_page,
    map_page,
    merged_leads,
    saved_views,
    table,
    view_tabs,
)
from leads.admin.addresses import LIST
from leads.admin.bulk import BulkActions
from leads.admin.chips import chips_of
from leads.admin.columns import Column
from leads.admin.filters import FILTERS, InTeam
from leads.admin.keyset_list import VIEW, KeysetList
from leads.admin.lead_facts import DO_NOT_CALL
from leads.admin.stages import stage_words
from leads.admin.view_tabs import Tab
from leads.facts.sources import name_of, other_person
from leads.models import Lead
from leads.registries import buckets_of
from leads.selection.filters import is_teams_work
from leads.selection.presets import FIRST, WITHOUT_RULES, missing_for_calls
from leads.selection.search import Sought, sought
from leads.selection.sorting import OF_CONTACTS

STATUS_LOOKS = {"new": "", "contacted": "info", "qualified": "success", "closed": "primary", "lost": "warning"}
ENRICHMENT_LOOKS = {"pending": "", "completed": "success", "partial": "warning", "failed": "danger"}
_FILTERED_BY = {"status__exact", "enrichment_status__exact", TEAM, *(str(one.parameter_name) for one in FILTERS)}


@cache
def _label(text: str, look: str) -> str:
    """The theme's label, drawn once: drawn for each row, labels took an eighth of the list's time."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": look})


@admin.register(Lead)
class LeadAdmin(BulkActions, Extensible, TeamAdmin):
    """Newest first, by id. Facts are bought, not typed: a person moves a lead on, tags it and notes what was done."""

    empty = Empty(
        "Leads are the properties you save to a bucket, from a search or a file.",
        "Find properties",
        "buckets_bucket_find",
        may_write,
    )
    entries: ClassVar[Mapping[str, Empty]] = {
        "callback=today": Empty(
            "Callbacks are owners you promised to call back: those of today, and what is due. A lead’s page plans one.",
            "All leads",
            "leads_lead_changelist",
        )
    }
    changes = Scope.WRITE
    assigned = "assigned_to"
    team_filter = InTeam
    list_display: Any = (
        "property",
        "in_bucket",
        "assigned_to",
        "stage",
        "facts",
        "shown_owner",
        "shown_phone",
        "do_not_call",
        "shown_email",
        "place",
    )
    list_select_related = ("bucket", "assigned_to", "status_label")
    list_filter = FILTERS
    list_filter_submit = True
    list_filter_sheet = True
    list_fullwidth = True
    search_fields = ("property_id",)
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/leads/lead/list.html"
    actions: Any = bulk.ACTIONS
    ordering: ClassVar[Any] = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("apollo_data")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> Any:
        return vars(request).get(LIST, KeysetList)

    def get_list_display(self, request: HttpRequest) -> Any:
        return [one.cell for one in self.columns(request, self.tab(request))]

    def columns(self, request: HttpRequest, tab: Tab | None) -> list[Column]:
        """Those that were chosen for the open view, or the usual ones; with what the list is sorted by, and the time to
        call back at where it is filtered by that. A caller's leads are all hers.
        """
        sort = request.GET.get("sort", "").strip().removeprefix("-")
        wanted = ["callbackAt"] if request.GET.get("callback") else []
        wanted += custom_columns.keys_asked(request)
        shared = self._shared_bucket(request)
        keys = None if shared else view_tabs.keys_of(request, tab)
        found = columns.chosen(request, keys, wanted=wanted)
        if sort and all(one.sort != sort for one in found):
            wanted += [one.key for one in columns.offered(request).values() if one.sort == sort][:1]
            found = columns.chosen(request, keys, wanted=wanted)
        if access(request).only_assigned or (shared and not sees_all(request)):
            found = [one for one in found if one.key != "assignedTo"]
        if shared:
            found = [replace(one, cell="plain_stage") if one.key == "status" else one for one in found]
        if not self.knows_contacts(request):
            found = [replace(one, sort="") if one.sort in OF_CONTACTS else one for one in found]
        return [*found, *table.added(self, self.model)]

    def size(self, request: HttpRequest) -> int | None:
        """The rows of a page that this person chose for the open view."""
        return view_tabs.size_of(request, self.tab(request))

    def tab(self, request: HttpRequest) -> Tab | None:
        """The open view, found out before the list takes what is no filter out of the address."""
        kept: dict[str, Any] = vars(request)
        if "desk_tab" not in kept:
            kept["desk_tab"] = view_tabs.opened(request, self.tabs(request))
        found: Tab | None = kept["desk_tab"]
        return found

    def tabs(self, request: HttpRequest) -> list[Tab]:
        """The views above the list, read once a request."""
        kept: dict[str, Any] = vars(request)
        if "desk_tabs" not in kept:
            person = access(request)
            kept["desk_tabs"] = view_tabs.tabs_of(person) if person.team_id is not None else []
        found: list[Tab] = kept["desk_tabs"]
        return found

    def get_list_filter(self, request: HttpRequest) -> Any:
        """With the team's own fields."""
        return [*super().get_list_filter(request), *custom_columns.filters_of(request)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By the filters alone: `?phone__startswith=` would tell a masked number digit by digit."""
        return lookup in _FILTERED_BY or (request is not None and custom_columns.is_filter(request, lookup))

    def search_of(self, request: HttpRequest, text: str) -> Sought | None:
        """What the search box asks; None: nothing."""
        if not text.strip():
            return None
        return sought(text, by=access(request), contacts=self.knows_contacts(request))

    def knows_contacts(self, request: HttpRequest) -> bool:
        """Whether the list may be searched by phone and e-mail, and owners told apart by them: all its leads' contacts
        must be hers to see."""
        person = access(request)
        asked = request.GET.get(TEAM, "").strip() if sees_all(request) else ""
        own = asked == str(person.team_id) if asked else True
        return own and self._shared_bucket(request) is None and person.can(Scope.CONTACTS)

    def buckets_of_list(self, request: HttpRequest) -> QuerySet[Any] | None:
        """The buckets whose leads the list is of; None: it is of leads that lie anywhere, few enough to be sorted."""
        person = access(request)
        if person.only_assigned:
            return None
        buckets = buckets_of(person)
        return self.of_list(request, buckets) if sees_all(request) else buckets.filter(team=person.team_id)

    # --- Shared buckets -----------------------------------------------------------------------------------------------

    def _shared_bucket(self, request: HttpRequest) -> str | None:
        """The one bucket that the list is filtered by, where another team shares it."""
        kept: dict[str, Any] = vars(request)
        if "desk_shared_bucket" not in kept:  # asked several times a page
            asked = [one for one in request.GET.getlist("bucket") if one.strip()]
            person = access(request)
            others = buckets_of(person).exclude(team=person.team_id)
            is_other = len(asked) == 1 and is_id(asked[0]) and others.filter(pk=asked[0]).exists()
            kept["desk_shared_bucket"] = asked[0] if is_other else None
        found: str | None = kept["desk_shared_bucket"]
        return found

    def seen(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Her team's; where the list is filtered by a bucket that another team shares, that bucket's."""
        if not sees_all(request) and (shared := self._shared_bucket(request)):
            asked = (*request.GET, request.GET.get("sort", "").strip().removeprefix("-"))
            return rows.none() if any(map(is_teams_work, asked)) else rows.filter(bucket=shared)
        return super().seen(request, rows)

    def of_list(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """A link to another team's bucket shows a superuser its leads."""
        return rows if self._shared_bucket(request) else super().of_list(request, rows)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """What the search finds, in any order; the list itself ranks it."""
        search = self.search_of(request, search_term)
        return (queryset if search is None else queryset.filter(search.matches)), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With words on what this person may search by."""
        found = super().get_changelist_instance(request)
        found.search_help_text = "Address, city, APN, owner" + (
            ", phone, e-mail" if self.knows_contacts(request) else ", property id"
        )
        return found

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, below this person's views of it. An address that asks nothing opens the first of them."""
        person = access(request)
        if request.method in READS or VIEW in request.GET:
            view_tabs.expand(request)
        title = {"title": "My leads"} if person.only_assigned else {}
        title = {"title": "Callbacks"} if request.GET.get("callback") else title
        answer = super().changelist_view(request, {**(extra_context or {}), **title})
        if isinstance(answer, TemplateResponse) and answer.context_data and "cl" in answer.context_data:
            answer.context_data |= self._around(request, answer.context_data["cl"])
        return answer

    def _around(self, request: HttpRequest, cl: Any) -> dict[str, Any]:
        """What stands around the rows: tabs, chips, columns, and what is missing before anybody can be called."""
        person, tabs = access(request), self.tabs(request)
        tab = self.tab(request)
        shown = self.columns(request, tab)
        keys = [one.key for one in shown]
        others = [one for key, one in columns.offered(request).items() if key not in keys]
        own = tab is None or tab.saved is None or tab.mine
        return {
            "tabs": tabs,
            "tab": tab,
            "is_changed": tab is not None and not view_tabs.is_query(tab, cl.as_view),
            "saved_views": [one.saved for one in tabs if one.saved],
            "missing": missing_for_calls(person) if tab and tab.key in (FIRST, WITHOUT_RULES) else "",
            "chips": list(chips_of(cl)),
            "headers": list(table.headers_of(cl, shown)),
            "rows": list(table.rows_of(cl, shown)),
            "column_choice": [(one, True) for one in shown[1:]] + [(one, False) for one in others] if own else [],
            "may_save": person.can(Scope.WRITE),
            "overrules": person.can(Scope.MANAGE),
            "may_share": not person.only_assigned,
        }

    def get_urls(self) -> Any:
        return [*saved_views.urls(self), *board.urls(self), *map_page.urls(self), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The lead's own page."""
        key = unquote(object_id)
        rows = self.get_queryset(request)
        if request.method in ("GET", "HEAD") and not sees_all(request) and is_id(key):
            shared = buckets_of(access(request)).exclude(team=access(request).team_id)
            rows = rows | self.model.objects.filter(bucket__in=shared.values("pk"))
        rows = rows.defer(None).select_related("bucket", "owner", "assigned_to", "status_label")
        lead = rows.filter(pk=key).first() if is_id(key) else None
        if lead is None and is_id(key) and (shown := merged_leads.shown_instead(rows, key)):
            if request.method != "POST":
                return redirect("admin:leads_lead_change", shown)
            lead = rows.filter(pk=shown).first()  # what was typed before the two were merged holds of the one
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
        return _label(stage_words(lead), STATUS_LOOKS[lead.status])

    @admin.display(description="status")
    def plain_stage(self, lead: Lead) -> str:
        """Of another team's lead: what that team calls it is not told."""
        return _label(str(lead.get_status_display()), STATUS_LOOKS[lead.status])

    @admin.display(description="data")
    def facts(self, lead: Lead) -> str:
        return _label(lead.data_label, ENRICHMENT_LOOKS[lead.enrichment_status])

    @admin.display(description="owner")
    def shown_owner(self, lead: Lead) -> str:
        return masked_text(name_of(vars(lead)) or "–")

    @admin.display(description="phone")
    def shown_phone(self, lead: Lead) -> str:
        if not lead.phone:
            return "–"
        number, person = masked("phone", lead.phone), other_person(vars(lead), "phone")
        if not person:
            return str(number)
        whose = f"Another person’s phone: {masked_text(person)}"
        return format_html('<span title="{}">{} (not owner’s)</span>', whose, number)

    @admin.display(description="DNC")
    def do_not_call(self, lead: Any) -> str:
        """What is known of the phone; that somebody is suppressed says more."""
        if lead.is_suppressed:
            return _label("Suppressed", "danger")
        return _label(*DO_NOT_CALL[lead.dnc]) if lead.phone else "–"

    @admin.display(description="e-mail")
    def shown_email(self, lead: Lead) -> str:
        return masked("email", lead.email) or "–"

    @admin.display(description="place")
    def place(self, lead: Lead) -> str:
        return masked_text(", ".join(filter(None, (lead.property_city, lead.property_state))) or "–")
