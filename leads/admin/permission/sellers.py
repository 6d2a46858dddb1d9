"""The company in whose name the team contacts owners."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin import Empty, ask, confirmed
from common.admin_teams import TeamAdmin
from leads.models import Seller
from leads.permission.selling import ACKNOWLEDGEMENT, FIELDS, BadSeller, active_seller, missing_of, save_seller

_WORDS = {
    "legal_name": "legal name", "postal_address": "postal address", "callback_phone": "call-back number",
    "policy_text": "do-not-call policy", "attested_at": "a manager’s word that it is true",
}  # fmt: skip


class SellerForm(forms.Form):
    legal_name = forms.CharField(max_length=200, required=False, help_text="As registered with its state")
    trade_name = forms.CharField(max_length=100, required=False, help_text="What owners know it by, if another")
    postal_address = forms.CharField(max_length=300, required=False, help_text="Street, city, state and ZIP")
    callback_phone = forms.CharField(max_length=40, required=False, help_text="Where owners reach a person")
    reply_email = forms.CharField(max_length=254, required=False, label="Reply e-mail")
    from_domain = forms.CharField(max_length=253, required=False, label="Domain its e-mail is sent from")
    dkim_selector = forms.CharField(max_length=63, required=False, label="DKIM selector")
    san = forms.CharField(max_length=40, required=False, label="Subscription account number (SAN) with the FTC")
    policy_text = forms.CharField(
        max_length=10_000, required=False, label="Written do-not-call policy", widget=forms.Textarea(attrs={"rows": 6})
    )
    attest = forms.BooleanField(required=False, label="All of this is true")
    acknowledge_flag = forms.BooleanField(required=False, label=f"I sign: “{ACKNOWLEDGEMENT}”")


@admin.register(Seller)
class SellerAdmin(TeamAdmin):
    """One active a team; those before it stay, because consents and registry checks are theirs."""

    empty = Empty(
        "The seller profile is your company as owners see it. Nobody is contacted before it is filled in.",
        "Fill in the profile",
        "leads_seller_add",
    )
    adds = Scope.MANAGE
    list_display = ("legal_name", "trade_name", "callback_phone", "attested_at", "replaced_at")
    fields = readonly_fields = (*FIELDS, "attested_at", "flag_acknowledged_at", "replaced_at")

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [path("add/", inside(self.profile), name="leads_seller_add"), *super().get_urls()]

    def profile(self, request: HttpRequest) -> HttpResponse:
        """Filled in, attested and signed for on one page."""
        if not self.has_add_permission(request):
            raise PermissionDenied("The seller profile is filled in by a manager of the team.")
        team_id = access(request).team_id
        seller = active_seller(team_id)
        known = {name: getattr(seller, name) for name in FIELDS} if seller else {}
        known["acknowledge_flag"] = bool(seller and seller.flag_acknowledged_at)
        form = SellerForm(request.POST if confirmed(request) else None, initial=known)
        if confirmed(request) and form.is_valid() and team_id is not None:
            given = form.cleaned_data
            signs = given["acknowledge_flag"] if given["acknowledge_flag"] != known["acknowledge_flag"] else None
            try:
                save_seller(
                    team_id=team_id, by=user_of(request), values={name: given[name] for name in FIELDS},
                    attest=given["attest"], acknowledge_flag=signs,
                )  # fmt: skip
            except BadSeller as error:
                for name, words in error.fields.items():
                    form.add_error(name, words)
            else:
                self.message_user(request, "Seller profile saved.", messages.SUCCESS)
                return redirect("admin:leads_seller_changelist")
        missing = ", ".join(_WORDS[name] for name in missing_of(seller))
        lines = [
            f"Missing before anybody is contacted: {missing}." if missing else "Complete.",
            "Another legal name is another company: consents and registry checks of the one before do not go with it.",
        ]
        return ask(self, request, [], title="Seller profile", lines=lines, button="Save", form=form, is_free=True)
