"""Requests to vendors and the phones that come after them: the audit. What needs a billing check is decided here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.widgets import INPUT_CLASSES

from accounts.selectors import user_of
from common.admin import Empty, by_id, dressed, page, sees_all
from common.admin_teams import operates
from common.db.clock import database_now
from integrations.admin import decisions
from integrations.admin.deciding import DecidingAdmin, ReasonForm
from integrations.admin.words import CallInWords, MoneyInWords
from integrations.ledger.calls import release_doubt, write_off
from integrations.ledger.waiting import leads_waiting_for
from integrations.lookups import reveals
from integrations.lookups.answers import forget_unreadable
from integrations.models import Lookup, PhoneReveal, UnreadableAnswer, VendorCall
from integrations.operating import doubts
from integrations.operating.doubts import Outage
from integrations.operating.evidence import doubts as doubts_of
from integrations.operating.vendors import names

AT_ONCE = 20.0  # seconds of deciding a press takes: less than a proxy waits for an answer
MINUTE = "%Y-%m-%dT%H:%M"  # what a browser's field of day and time takes and gives


@admin.register(VendorCall)
class VendorCallAdmin(CallInWords, DecidingAdmin[VendorCall]):
    """Every request to a vendor. Staff whom Django lets look see their own."""

    empty = Empty(
        "Vendor requests list everything asked of a vendor, with its cost.", "Buckets", "buckets_bucket_changelist"
    )
    release, write_off = staticmethod(release_doubt), staticmethod(write_off)
    after_release = "The money comes back, and waiting leads continue. Those that failed can be retried."
    after_write_off = "The money is spent, and waiting leads continue: they are bought again."
    many = "requests"
    list_before_template = "admin/integrations/outage_link.html"
    list_display = (
        "created_at",
        "operation",
        "user",
        "state",
        "inputs",
        "found",
        "paid",
        "held",
        "status",
        "kind_of_error",
        "latency_ms",
        "reason",
    )
    list_select_related = ("operation", "user")
    list_filter = ("state", "operation")
    search_fields = ("run_id",)
    search_help_text = "The whole id of an enrichment job"
    fields = (
        ("operation", "user"),
        ("paid_for", "run"),
        ("state", "kind_of_error", "status"),
        "reason",
        ("inputs", "found", "leads_waiting"),
        ("each", "units", "claimed"),
        ("held", "paid", "above_list"),
        ("decided_by", "decided_at"),
        "decision",
        ("created_at", "sent_at", "ended_at"),
        ("latency_ms", "request_id"),
        "phones",
        "unreadable_answer",
    )
    readonly_fields = (*CallInWords.shows, "run", "leads_waiting", "phones", "unreadable_answer")
    actions = ("mark_chosen_not_billed", "mark_chosen_billed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if operates(request) else rows.filter(user=request.user)

    def get_fields(self, request: HttpRequest, obj: VendorCall | None = None) -> Any:
        """An operator sees which job it was for, and nothing of a team's job: no link leads there."""
        fields = super().get_fields(request, obj)
        if obj is None or obj.user_id == request.user.pk or sees_all(request):
            return fields
        return [("paid_for", "run_id") if row == ("paid_for", "run") else row for row in fields]

    def get_search_results(self, _request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        return by_id(queryset, search_term, "run_id"), False

    def whose(self, row: VendorCall) -> str:
        return str(row.operation)

    def in_words(self, row: VendorCall) -> str:
        return f"{row.operation}: {row.inputs} records, ${row.reserved:,.2f} held. {row.reason}"

    # --- Its page -------------------------------------------------------------------------------------------------

    @admin.display(description="enrichment job")
    def run(self, call: VendorCall) -> str | SafeString:
        if call.run_id is None:
            return "–"
        address = reverse("admin:enrichment_run_change", args=[call.run_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, call.run_id)

    @admin.display(description="leads waiting")
    def leads_waiting(self, call: VendorCall) -> str:
        return f"{leads_waiting_for(call.pk):,}"

    @admin.display(description="phones to come")
    def phones(self, call: VendorCall) -> str | SafeString:
        reveal = PhoneReveal.objects.filter(pk=call.pk).first()
        if reveal is None:
            return "–"
        address = reverse("admin:integrations_phonereveal_change", args=[call.pk])
        return format_html('<a href="{}">{}</a>', address, reveal.reason or reveal.get_state_display())

    @admin.display(description="unreadable answer")
    def unreadable_answer(self, call: VendorCall) -> str:
        kept = UnreadableAnswer.objects.filter(pk=call.pk).first()
        if kept is None:
            return "–"
        beginning = " Its beginning is kept." if kept.raw is not None else " Nothing of it is kept."
        return f"{kept.length:,} bytes, {kept.why}. SHA-256 {kept.sha256}.{beginning}"

    def about(self, row: VendorCall) -> dict[str, Any]:
        garbage = Lookup.objects.filter(call=row, state=Lookup.State.GARBAGE).count()
        found = doubts_of(ids=[row.pk]).rows
        one = next((doubt for doubt in found if not doubt.is_phones), None)
        return {"decided": row, "unreadable": garbage, "waiting": leads_waiting_for(row.pk), "one": one}

    def get_urls(self) -> Any:
        view, name = self.admin_site.admin_view, "integrations_vendorcall"
        own = [
            path("decide/", view(self.decide), name=f"{name}_decide"),
            path("outage/", view(self.outage), name=f"{name}_outage"),
            path("<uuid:row_id>/ask-again/", view(require_POST(self.ask_again)), name=f"{name}_ask-again"),
        ]
        return [*own, *super().get_urls()]

    def decide(self, request: HttpRequest) -> HttpResponse:
        return decisions.decide(self, request)

    def ask_again(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        call = self._row(request, row_id)
        by = user_of(request)
        with transaction.atomic():
            freed = forget_unreadable(call.pk, by=by)
        if freed:
            words = f"May be bought again: {freed:,} of its records. Retry the failed leads of its enrichment job."
            self.message_user(request, words, messages.SUCCESS)
        else:
            self.message_user(request, "It has no unreadable answer in use.", messages.WARNING)
        return redirect("admin:integrations_vendorcall_change", call.pk)

    # --- An outage ------------------------------------------------------------------------------------------------

    def outage(self, request: HttpRequest) -> HttpResponse:
        """Choose a vendor and times, see what that holds, decide all of it. The choice is the address: Back works."""
        if not (operates(request) or request.user.has_perm("integrations.change_vendor")):
            raise PermissionDenied
        waiting = doubts.waiting()
        given = request.POST if request.method == "POST" else request.GET
        form = OutageForm(given or None, vendors=[one.vendor for one in waiting])
        chosen = form.outage() if form.is_valid() else None
        if request.method == "POST" and chosen is not None:  # else the page names the fault of the choice
            return self._decide_outage(request, form, chosen)
        return page(
            self,
            request,
            "admin/integrations/outage.html",
            "Decide an outage",
            form=dressed(form),
            suggestions=[(one, _query(one)) for one in waiting],
            tally=doubts.tally(chosen) if chosen is not None else None,
            chosen=chosen,
            seen_at=database_now().isoformat(),
            reason=dressed(ReasonForm()),
        )

    def _decide_outage(self, request: HttpRequest, form: OutageForm, outage: Outage) -> HttpResponse:
        verdict = request.POST.get("verdict", "")
        seen_at = _moment(request.POST.get("seen_at", ""))
        if verdict not in ("billed", "not-billed") or seen_at is None:
            raise Http404("There is no such decision.")
        before = min(outage.until, seen_at) if outage.until else seen_at  # what came since was not looked at
        outage = replace(outage, until=before)
        words = request.POST.get("reason", "")[:300]
        by = user_of(request)
        billed = verdict == "billed"
        decided = doubts.decide(outage=outage, billed=billed, by=by, reason=words, seconds=AT_ONCE)
        self.message_user(request, decided.in_words, messages.SUCCESS)
        if decided.left.requests:
            self.message_user(request, f"{decided.left.requests:,} are left: press the button again.", messages.WARNING)
        return redirect(f"{reverse('admin:integrations_vendorcall_outage')}?{form.query()}")


def _at(label: str, help_text: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(format=MINUTE, attrs={"type": "datetime-local", "class": " ".join(INPUT_CLASSES)})
    return forms.DateTimeField(label=label, input_formats=[MINUTE], widget=widget, required=False, help_text=help_text)


class OutageForm(forms.Form):
    """Whose requests, and when they were sent."""

    vendor = forms.ChoiceField(help_text="Vendors with requests that need a billing check")
    what = forms.ChoiceField(
        choices=[("requests", "Requests"), ("phones", "Mobile numbers still to come")], required=False
    )
    since = _at("Sent from", "By your clock. Empty: from the first")
    until = _at("Sent up to", "By your clock, with this minute. Empty: up to the last")

    def __init__(self, *args: Any, vendors: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        chosen = self.data.get("vendor", "")
        known = sorted({*vendors, *([chosen] if chosen in names() else [])})
        vendor: Any = self.fields["vendor"]
        vendor.choices = [(name, name) for name in known]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            raise forms.ValidationError("The end is before the beginning.")
        return given

    def outage(self) -> Outage:
        given = self.cleaned_data
        until = given["until"] and given["until"] + timedelta(minutes=1)
        return Outage(given["vendor"], given["since"], until, phones=given["what"] == "phones")

    def query(self) -> str:
        return urlencode({name: self.data.get(name, "") for name in ("vendor", "what", "since", "until")})


def _moment(text: str) -> datetime | None:
    """The time that our page has sent along; None where it is none."""
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else None
    return None


def _query(one: doubts.Waiting) -> str:
    first, last = one.tally.first, one.tally.last
    return urlencode(
        {
            "vendor": one.vendor,
            "what": "phones" if one.phones else "requests",
            "since": f"{timezone.localtime(first):{MINUTE}}" if first else "",
            "until": f"{timezone.localtime(last):{MINUTE}}" if last else "",
        }
    )


@admin.register(PhoneReveal)
class PhoneRevealAdmin(MoneyInWords, DecidingAdmin[PhoneReveal]):
    """Phones that Apollo delivers after its answer: how many are to come, and the money held. No phone is shown."""

    empty = Empty(
        "Mobile number requests are Apollo’s answers that take a few minutes.", "Buckets", "buckets_bucket_changelist"
    )
    release, write_off = staticmethod(reveals.release), staticmethod(reveals.write_off)
    after_release = (
        "Asking for these phones again costs money again. If they arrive after all, their leads get them and "
        "the money is corrected."
    )
    after_write_off = "If the phones arrive after all, their leads get them and the money is corrected."
    many = "mobile number requests"
    list_display = (
        "created_at",
        "state",
        "people_asked",
        "found",
        "held",
        "paid",
        "asked",
        "ask_at",
        "pushed_at",
        "closed_at",
        "reason",
    )
    list_filter = ("state",)
    fields = (
        ("call", "request_id", "state"),
        ("people_asked", "found"),
        ("held", "paid"),
        ("created_at", "pushed_at", "unreadable", "closed_at"),
        ("asked", "ask_at", "deadline"),
        "reason",
        "decision",
    )
    readonly_fields = ("people_asked", "held", "paid", "decision")
    list_select_related = ("call",)
    search_fields = ("call__run_id",)
    search_help_text = "The whole id of an enrichment job"
    actions = ("mark_chosen_not_billed", "mark_chosen_billed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).defer("raw", "holds")
        return rows if operates(request) else rows.filter(call__user=request.user)

    def get_search_results(self, _request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        return by_id(queryset, search_term, "call__run_id"), False

    def whose(self, _row: PhoneReveal) -> str:
        return "phones"

    def in_words(self, row: PhoneReveal) -> str:
        return f"phones of {len(row.people)} people, ${row.reserved:,.2f} held: {row.reason}"

    def about(self, row: PhoneReveal) -> dict[str, Any]:
        found = doubts_of(ids=[row.pk]).rows
        return {"decided": row.call, "one": next((doubt for doubt in found if doubt.is_phones), None)}

    @admin.display(description="people")
    def people_asked(self, reveal: PhoneReveal) -> int:
        return len(reveal.people)

    @admin.display(description="decision")
    def decision(self, reveal: PhoneReveal) -> str:
        return reveal.call.decision or "–"
