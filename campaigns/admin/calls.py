"""Calls: a caller's own, a team's all, and behind their address the dialer, who calls now, and the scorecard."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from accounts.access import access
from campaigns.admin import dialer, live
from campaigns.admin.words import path_to
from campaigns.gate.lead import receipts_of, told
from campaigns.gate.words import answers_of, words_of
from campaigns.models import CallAttempt, Receipt
from common.admin import Empty, link_to, page
from common.admin_teams import TeamAdmin
from common.contact_access import masked_phone
from common.contact_access import told as as_told

_MARKS = {"yes": "Yes", "later": "Not now", "no": "No"}


@admin.register(CallAttempt)
class CallAttemptAdmin(TeamAdmin):
    """What was called and how it ended. Numbers behind dots: the lead's page shows them, and records that."""

    empty = Empty(
        "Calls stand here once they were made: from the dialer, or a lead’s page.", "Open the dialer",
        "campaigns_callattempt_dialer", dialer.may_dial,
    )  # fmt: skip
    assigned = "by"
    list_display = ("started_at", "by", "about", "to", "ended", "lasted")
    list_filter = ("state", "mode")
    list_select_related = ("by", "lead", "disposition")
    fields = readonly_fields = (
        "started_at", "by", "about", "to", "mode", "state", "ended", "lasted", "said", "campaign", "number_kind",
        "number_source", "error_words",
    )  # fmt: skip
    ordering: ClassVar[Any] = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("by", "lead", "disposition", "campaign")
        return rows

    def get_urls(self) -> Any:
        receipt = self.admin_site.admin_view(require_safe(self.receipt))
        return [
            *dialer.urls(self),
            *live.urls(self),
            path("receipt/<uuid:receipt_id>/", receipt, name="campaigns_callattempt_receipt"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        mine = {"title": "My calls", **path_to(self, "my calls")} if access(request).only_assigned else {}
        return super().changelist_view(request, {**mine, **(extra_context or {})})

    def receipt(self, request: HttpRequest, receipt_id: UUID) -> HttpResponse:
        """Every rule that was asked before a call, and what it said; a caller's own questions alone."""
        person = access(request)
        rows = Receipt.objects.seen_by(person).filter(pk=receipt_id, channel="call")
        found = (rows.filter(by_id=person.user.pk) if person.only_assigned else rows).first()
        if found is None:
            raise Http404("There is no such receipt.")
        if found.lead_id:  # with its repeats
            found = receipts_of(found.lead_id, person).filter(pk=found.pk).first() or found
        rules = [
            (one.code.replace("_", " "), _MARKS[one.verdict], words_of([one]) if one.verdict != "yes" else [])
            for one in answers_of(found.rules)
        ]
        return page(
            self, request, "admin/campaigns/dialer/receipt.html", "Receipt", receipt=told(found), rules=rules
        )  # fmt: skip

    @admin.display(description="lead")
    def about(self, row: CallAttempt) -> Any:
        return link_to(row.lead)

    @admin.display(description="number")
    def to(self, row: CallAttempt) -> str:
        return masked_phone(row.number) if row.number else "–"

    @admin.display(description="how it ended")
    def ended(self, row: CallAttempt) -> str:
        return row.disposition.label if row.disposition else row.get_state_display()

    @admin.display(description="lasted")
    def lasted(self, row: CallAttempt) -> str:
        return "–" if row.seconds is None else f"{row.seconds // 60} min {row.seconds % 60} s"

    @admin.display(description="note")
    def said(self, row: CallAttempt) -> str:
        return str(as_told(row.note) or "–")
