"""Billing checks on pages: one by one on a row's own page, and those that were chosen in a list."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from common.admin import ask, chosen, confirmed
from common.admin_teams import OperatorsAdmin, operates
from common.asking import asks
from common.dates import moment
from integrations.admin.words import plain
from integrations.ledger.calls import MOST_COST, BadDecision
from integrations.models import PhoneReveal, VendorCall

Doubtful = TypeVar("Doubtful", bound=VendorCall | PhoneReveal)
NOT_BILLED = "Mark as not billed"
BILLED = "Mark as billed"


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False, help_text="Kept with the decision and your name")


class BilledForm(ReasonForm):
    """cost stands first: it is what the bill says."""

    cost = forms.DecimalField(
        label="Cost ($)",
        min_value=Decimal(0),
        max_value=MOST_COST,
        max_digits=12,
        decimal_places=4,
        help_text="From the vendor’s bill. Prefilled: the most the price list allows. More needs a reason.",
    )
    field_order = ("cost", "reason")


class DecidingAdmin(OperatorsAdmin, Generic[Doubtful]):
    """Rows that may need a billing check: each has both decisions on its page, and a list of them as actions.

    release, write_off: the services. after: what follows, in words. whose: what its money was for.
    """

    change_form_template = "admin/integrations/deciding.html"
    release: ClassVar[Callable[..., bool]]
    write_off: ClassVar[Callable[..., bool]]
    after_release: ClassVar[str]
    after_write_off: ClassVar[str]
    many: ClassVar[str]

    def whose(self, row: Doubtful) -> str:
        """What the money of this row was for."""
        raise NotImplementedError

    def in_words(self, row: Doubtful) -> str:
        """This row, for the page that asks."""
        raise NotImplementedError

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Money is given back or spent: for operators, and users who may change vendors or these rows by Django's
        permissions, though nobody edits one."""
        may = request.user.has_perm
        return (
            operates(request) or may("integrations.change_vendor") or may(f"integrations.change_{self.opts.model_name}")
        )

    # --- One, on its own page -------------------------------------------------------------------------------------

    def get_urls(self) -> Any:
        name = f"integrations_{self.opts.model_name}"
        pages = [("billed", self.mark_billed), ("not-billed", self.mark_not_billed)]
        own = [
            path(f"<uuid:row_id>/{route}/", self.admin_site.admin_view(view), name=f"{name}_{route}")
            for route, view in pages
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        if row is not None:
            why = row.reason.rstrip(" .") or "no answer came"
            context.update(after_billed=self.after_write_off, after_not_billed=self.after_release)
            context.update(self.about(row), row=row, why=why, may_decide=self.has_decide_permission(request))
            context["pages"] = {
                route.replace("-", "_"): reverse(f"admin:integrations_{self.opts.model_name}_{route}", args=[row.pk])
                for route in ("billed", "not-billed")
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def about(self, _row: Doubtful) -> dict[str, Any]:
        """What the page shows above the fields."""
        return {}

    def mark_billed(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        row = self._row(request, row_id)
        form = BilledForm(request.POST if confirmed(request) else None, initial={"cost": plain(row.reserved)})
        if form.is_valid():
            given = form.cleaned_data
            try:
                with transaction.atomic():
                    done = type(self).write_off(row.pk, by=request.user, **given)
            except BadDecision as refusal:
                form.add_error("reason" if given["cost"] > row.reserved else "cost", str(refusal))
            else:
                return self._decided(request, row, f"Marked as billed: ${given['cost']:,.2f}.", done=done)
        return self._ask(request, row, form, BILLED, self.after_write_off)

    def mark_not_billed(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        row = self._row(request, row_id)
        form = ReasonForm(request.POST if confirmed(request) else None)
        if form.is_valid():
            with transaction.atomic():
                done = type(self).release(row.pk, by=request.user, **form.cleaned_data)
            return self._decided(request, row, f"Marked as not billed: ${row.reserved:,.2f} came back.", done=done)
        return self._ask(request, row, form, NOT_BILLED, self.after_release)

    def _row(self, request: HttpRequest, row_id: UUID) -> Any:
        row = self.get_object(request, str(row_id))
        if row is None:
            raise Http404("There is no such row.")
        if not self.has_decide_permission(request):
            raise PermissionDenied
        return row

    def _ask(self, request: HttpRequest, row: Doubtful, form: forms.Form, button: str, after: str) -> HttpResponse:
        lines = [f"{moment(row.created_at)}, {self.in_words(row)}", after]
        back = reverse(f"admin:integrations_{self.opts.model_name}_change", args=[row.pk])
        return ask(self, request, [], title=button, lines=lines, button=button, form=form, is_free=True, back=back)

    def _decided(self, request: HttpRequest, row: Doubtful, words: str, *, done: bool) -> HttpResponse:
        if done:
            self.message_user(request, words, messages.SUCCESS)
        else:
            row.refresh_from_db()
            words = f"It needs no billing check: {row.get_state_display().lower()}."
            self.message_user(request, words, messages.WARNING)
        return redirect(f"admin:integrations_{self.opts.model_name}_change", row.pk)

    # --- Those chosen in the list ---------------------------------------------------------------------------------

    @admin.action(description="Mark as not billed …", permissions=["decide"])
    @asks
    def mark_chosen_not_billed(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._chosen(request, queryset, type(self).release, NOT_BILLED, self.after_release)

    @admin.action(description="Mark as billed …", permissions=["decide"])
    @asks
    def mark_chosen_billed(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._chosen(request, queryset, type(self).write_off, BILLED, self.after_write_off)

    def _chosen(
        self, request: HttpRequest, queryset: QuerySet[Any], act: Callable[..., bool], button: str, after: str
    ) -> HttpResponse | None:
        rows = chosen(self, request, queryset.filter(state="in_doubt"))
        if not rows:
            self.message_user(request, f"None of these {self.many} needs a billing check.", messages.WARNING)
            return None
        form = ReasonForm(request.POST if confirmed(request) else None)
        if not form.is_valid():
            lines = [*(f"{moment(row.created_at)}, {self.in_words(row)}" for row in rows), after]
            return ask(self, request, rows, title=button, lines=lines, button=button, form=form, is_free=True)
        done = button.replace("Mark", "Marked")
        for row in rows:
            with transaction.atomic():
                decided = act(row.pk, by=request.user, reason=form.cleaned_data["reason"])
            words = f"{done}: ${row.reserved:,.2f} of {self.whose(row)}" if decided else f"{row} was already decided."
            self.message_user(request, words, messages.SUCCESS if decided else messages.WARNING)
        return None
