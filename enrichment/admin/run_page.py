"""A run's own page: live, with the buttons that fit its state. Each that asks has an address of its own."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from accounts.access import Scope
from accounts.selectors import user_of
from common.admin import ask, confirmed, dressed, page
from common.admin_teams import demand, may
from enrichment.admin.forms import StartForm
from enrichment.admin.starting import start_runs
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import rest_of
from enrichment.reporting.run_overview import overview
from enrichment.selectors import moves, paused_in_words
from enrichment.services import RunError, cancel_run, check_new_cap, pause_run, resume_run, retry_options
from integrations.operating.doubts_shown import shown as doubts_shown

LIVE = "admin/enrichment/run/live.html"
RESUME, RESUME_PRICE = "admin/enrichment/run/resume.html", "admin/enrichment/run/resume_price.html"
FIELD_WORDS = {
    "limit": "Number of leads", "skipTrace": "Contacts too", "guard": "Skip trace only if", "startFrom": "After lead",
    "oneLeadPerOwner": "One lead per owner", "type": "Type", "revealEmails": "Find e-mails",
    "revealPhones": "Find mobile numbers", "canary": "Sample first", "onlyFailed": "Failed leads only",
    "chosenLeads": "Chosen leads", "leftOut": "Left out for a billing check", "updateDb": "Write to the leads",
    "freshAfter": "Not fetched since",
}  # fmt: skip


class CapForm(forms.Form):
    """What a run that a limit has stopped may spend, with what it has spent. most: the price on the pressed button."""

    max_cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=4,
        label="Spending limit ($)",
        help_text="For the whole job, including what it has spent. Empty: unchanged",
    )
    most = forms.DecimalField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, run: Run, **options: Any) -> None:
        super().__init__(*args, **options)
        self.run = run

    def clean_max_cost(self) -> Decimal | None:
        cap: Decimal | None = self.cleaned_data["max_cost"]
        if cap is not None:
            try:
                check_new_cap(self.run, cap)
            except RunError as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return cap

    def is_dearer(self, at_most: Decimal) -> bool:
        """Whether it costs more than the button said: what was typed without a script has not changed it."""
        most: Decimal | None = self.cleaned_data["most"]
        return most is not None and at_most > most


def address(run: Run) -> str:
    return reverse("admin:enrichment_run_change", args=[run.pk])


def context(request: HttpRequest, run: Any) -> dict[str, Any]:
    """What the page and its live piece show."""
    found = overview(run)
    own = may(request, Scope.BUY, run.team_id)
    return {
        "run": run,
        "found": found,
        "may_buy": own,
        "may_retry": own and found.failed is not None and bool(found.failed.again) and run.bucket_id is not None,
        "moves": run.status in Run.ACTIVE,
        "looks_again": moves(run),
        "options": [
            (FIELD_WORDS.get(name, name), _plain(value))
            for name, value in run.options.items()
            if value not in (None, "", [], {})  # not asked for
        ],
        **doubts_shown(request, found.doubts, back=address(run)),
    }


def _plain(value: object) -> object:
    """yes, no, a count for a long list."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"{len(value):,}"
    return ", ".join(f"{name}: {inner}" for name, inner in value.items()) if isinstance(value, dict) else value


def urls(model_admin: admin.ModelAdmin[Run]) -> list[URLPattern]:
    desk = RunDesk(model_admin)
    views: dict[str, Callable[..., HttpResponse]] = {
        "live": desk.live,
        "pause": require_POST(desk.pause),
        "resume": desk.resume,
        "cancel": desk.cancel,
        "retry": desk.retry,
    }
    wrap: Any = model_admin.admin_site.admin_view
    return [path(f"<uuid:run_id>/{name}/", wrap(view), name=f"enrichment_run_{name}") for name, view in views.items()]


class RunDesk:
    """The views. Another team's run is not there; who may not buy in its team only looks."""

    def __init__(self, model_admin: admin.ModelAdmin[Any]) -> None:
        self.model_admin = model_admin

    def _run(self, request: HttpRequest, run_id: UUID, *, scope: Scope = Scope.BUY) -> Any:
        run = self.model_admin.get_queryset(request).select_related("bucket", "owner").filter(pk=run_id).first()
        if run is None or not self.model_admin.has_view_permission(request, run):
            raise Http404("There is no such enrichment job.")
        if scope != Scope.READ:
            demand(request, scope, run.team_id)
        return run

    def live(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """The piece of the page that asks again every three seconds while the run moves."""
        run = self._run(request, run_id, scope=Scope.READ)
        return TemplateResponse(request, LIVE, context(request, run))

    def pause(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        run = self._run(request, run_id)
        return self.paused(request, run, address(run))

    def resume(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        run = self._run(request, run_id)
        return self.resumed(request, run, address(run), reverse("admin:enrichment_run_resume", args=[run.pk]))

    def cancel(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        run = self._run(request, run_id)
        return self.cancelled(request, run, address(run))

    def retry(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """The price of the leads that failed and still may be asked for; what is left out is said."""
        run, back = self._run(request, run_id), ""
        back = address(run)
        try:
            if run.bucket is None:
                raise RunError("NOT_FOUND", "The bucket of this enrichment job was deleted.")
            options = retry_options(run)
        except RunError as refusal:
            self.model_admin.message_user(request, str(refusal), messages.WARNING)
            return redirect(back)
        here = reverse("admin:enrichment_run_retry", args=[run.pk])
        form = _retry_form(options)
        return start_runs(
            self.model_admin, request, [run.bucket], form, "Retry failed leads", here, back=back, verb="Retry"
        ) or redirect(back)

    # --- The deeds, for this page and the bucket's ----------------------------------------------------------------

    def paused(self, request: HttpRequest, run: Run, back: str) -> HttpResponse:
        words = "Paused. Requests already sent are finished."
        return self._act(request, back, lambda: pause_run(run=run, by=user_of(request)), words)

    def resumed(self, request: HttpRequest, run: Run, back: str, here: str) -> HttpResponse:
        """Goes on at once, within the cap the person has set; where that is used up, asks for another."""
        if run.paused_by != Run.Pause.CAP:
            if request.method != "POST":
                return redirect(back)
            return self._act(request, back, lambda: resume_run(run=run, by=user_of(request)), "Resumed.")
        if request.method == "POST" and not confirmed(request):
            typed = request.POST.get("max_cost", "")
            return redirect(f"{here}?{urlencode({'look': 1, 'max_cost': typed})}" if typed else here)
        rest = rest_of(run)
        sent = request.POST if confirmed(request) else request.GET if "look" in request.GET else None
        form = CapForm(sent, initial={"max_cost": rest.suggested}, run=run)
        at_most, stuck = rest.at_most, rest.buys_nothing(rest.suggested)
        if form.is_valid():
            cap = form.cleaned_data["max_cost"]
            limit = run.max_cost if cap is None else cap
            at_most, stuck = rest.under(limit), rest.buys_nothing(limit)
            if confirmed(request) and not stuck and not form.is_dearer(at_most):
                done = "Resumed." if cap is None else f"Resumed with a ${cap:,.2f} limit."
                return self._act(request, back, lambda: resume_run(run=run, by=user_of(request), max_cost=cap), done)
            if confirmed(request) and not stuck:
                words = "Nothing is bought yet: this is the price for what you chose."
                self.model_admin.message_user(request, words, messages.WARNING)
        return page(
            self.model_admin,
            request,
            RESUME_PRICE if "part" in request.GET else RESUME,
            "Resume the enrichment job",
            lines=[
                f"{paused_in_words(run)}.".replace("..", "."),
                rest.in_words(),
                *(f"{words[0].upper()}{words[1:]}." for words in rest.limits),
            ],
            at_most=at_most,
            stuck=stuck,
            own_limit=rest.room >= rest.cheapest,
            form=dressed(form),
            here=here,
            back=back,
        )

    def cancelled(self, request: HttpRequest, run: Run, back: str) -> HttpResponse:
        if request.method == "POST" and confirmed(request):
            words = "Cancelled. Purchased data is kept."
            return self._act(request, back, lambda: cancel_run(run=run, by=user_of(request)), words)
        lines = [
            f"{run.done:,} of {run.total:,} leads are done.",
            "Nothing more is bought. Requests already sent are finished. The other leads can be enriched later.",
        ]
        title = "Cancel the enrichment job?"
        return ask(self.model_admin, request, [run], title=title, lines=lines, button="Cancel the job", back=back)

    def _act(self, request: HttpRequest, back: str, act: Callable[[], object], done: str) -> HttpResponse:
        try:
            act()
        except RunError as refusal:
            self.model_admin.message_user(request, str(refusal), messages.ERROR)
        else:
            self.model_admin.message_user(request, done, messages.SUCCESS)
        return redirect(back)


def _retry_form(asked: RunOptions) -> type[StartForm]:
    """Asks for a limit alone: the leads and what is bought for them are the run's."""

    cap = deepcopy(StartForm.base_fields["max_cost"])  # the field is one object for all forms
    cap.initial = asked.max_cost

    class RetryOfRunForm(StartForm):
        limit = None  # type: ignore[assignment]  # Django's way to drop a field
        max_cost = cap  # type: ignore[assignment]
        field_order = ("max_cost",)

        def options(self) -> RunOptions:
            return replace(asked, max_cost=self.cleaned_data["max_cost"])

    return RetryOfRunForm
