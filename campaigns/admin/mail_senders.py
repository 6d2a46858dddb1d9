"""The addresses that a team's e-mails leave from: added, checked against the DNS, retired."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from accounts.access import Scope
from accounts.selectors import user_of
from campaigns.admin.set_up import company, profile_first, saved
from campaigns.models import MailSender
from campaigns.planning.refusals import CampaignError
from campaigns.setup.mail_senders import (
    CHANGEABLE,
    add_mail_sender,
    change_mail_sender,
    check_lines,
    check_mail_sender,
    lack,
    retire_mail_sender,
)
from common.admin import Empty, ask, confirmed, is_id
from common.admin_teams import TeamAdmin, refuse

LIST = "admin:campaigns_mailsender_changelist"


class ChangedMailSenderForm(forms.Form):
    name = forms.CharField(max_length=100, label="Name", help_text="Who writes, as the recipient sees it")
    dkim_selector = forms.CharField(
        max_length=63, required=False, label="DKIM selector", help_text="Your mail provider shows it, such as pm or s1"
    )
    warm_up_from = forms.DateField(
        required=False,
        label="Warm up from",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="First day of a new domain: few e-mails at first, more each day. Empty: it is in use already",
    )
    daily_limit = forms.IntegerField(min_value=1, required=False, label="E-mails a day, at most")


class MailSenderForm(ChangedMailSenderForm):
    address = forms.EmailField(label="E-mail address", help_text="Such as jane@mail.example.com, of your own domain")
    field_order = ("address", "name")


@admin.register(MailSender)
class MailSenderAdmin(TeamAdmin):
    """The addresses a company sends e-mail from. Retired, never deleted."""

    empty = Empty("E-mails leave from an address of your own domain.", "Add an address", "campaigns_mailsender_add")
    change_form_template = "admin/campaigns/mailsender/change_form.html"
    list_before_template = "admin/campaigns/sender/set_up_link.html"
    team = "seller__team"
    adds = Scope.MANAGE
    moments: ClassVar[Any] = {"created_at": "added", "checked_at": "domain checked"}
    list_display = ("address", "name", "domain_state", "daily_limit", "warm_up_from", "created_at", "retired_at")
    fields = readonly_fields = (
        "address", "name", "selector", "checked_at", "warm_up_from", "daily_limit", "created_at", "retired_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("seller")

    @admin.display(description="DKIM selector", empty_value="The company’s")
    def selector(self, row: MailSender) -> str:
        return row.dkim_selector

    @admin.display(description="domain")
    def domain_state(self, row: MailSender) -> str:
        lines = check_lines(row)
        wrong = [title for title, is_right, _ in lines if not is_right]
        return "Not checked" if not lines else f"{', '.join(wrong)} missing or wrong" if wrong else "Right"

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("add/", inside(self.add_one), name="campaigns_mailsender_add"),
            path("<uuid:sender_id>/edit/", inside(self.edit), name="campaigns_mailsender_edit"),
            path("<uuid:sender_id>/check/", inside(self.check_one), name="campaigns_mailsender_check"),
            path("<uuid:sender_id>/retire/", inside(self.retire), name="campaigns_mailsender_retire"),
            *super().get_urls(),
        ]

    def add_one(self, request: HttpRequest) -> HttpResponse:
        seller = company(self, request)
        if seller is None:
            return profile_first(self, request)
        form = MailSenderForm(request.POST if confirmed(request) else None)
        if confirmed(request) and form.is_valid():
            made: list[MailSender] = []
            if saved(
                form,
                lambda: made.append(add_mail_sender(by=user_of(request), seller=seller, **form.cleaned_data)),
            ):
                self.message_user(request, "Address added. Check its domain next.", messages.SUCCESS)
                return redirect("admin:campaigns_mailsender_change", made[0].pk)
        lines = ["Replies come to your Inbox here.", "No campaign leaves from it before its domain is checked."]
        return ask(self, request, [], title="Add an address", lines=lines, button="Add", form=form, is_free=True)

    def edit(self, request: HttpRequest, sender_id: Any) -> HttpResponse:
        sender = self._sender(request, sender_id)
        form = ChangedMailSenderForm(
            request.POST if confirmed(request) else None, initial={name: getattr(sender, name) for name in CHANGEABLE}
        )
        if confirmed(request) and form.is_valid():
            changes = {name: form.cleaned_data[name] for name in CHANGEABLE}
            if saved(form, lambda: change_mail_sender(sender=sender, by=user_of(request), changes=changes)):
                self.message_user(request, "Address saved.", messages.SUCCESS)
                return redirect("admin:campaigns_mailsender_change", sender.pk)
        return ask(self, request, [], title=f"Address {sender}", lines=[], button="Save", form=form, is_free=True)

    def check_one(self, request: HttpRequest, sender_id: Any) -> HttpResponse:
        """By POST alone: a link that is fetched asks nobody's name servers."""
        sender = self._sender(request, sender_id)
        if request.method == "POST":
            try:
                checked = check_mail_sender(sender=sender, by=user_of(request))
            except CampaignError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                wrong = [title for title, is_right, _ in check_lines(checked) if not is_right]
                words = f"{', '.join(wrong)}: see what to add." if wrong else f"{checked.domain} is set up right."
                self.message_user(request, words, messages.WARNING if wrong else messages.SUCCESS)
        return redirect("admin:campaigns_mailsender_change", sender.pk)

    def retire(self, request: HttpRequest, sender_id: Any) -> HttpResponse:
        sender = self._sender(request, sender_id)
        if confirmed(request):
            try:
                retire_mail_sender(sender=sender, by=user_of(request))
            except CampaignError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, "Address retired.", messages.SUCCESS)
            return redirect(LIST)
        lines = ["No campaign sends from it any more. Replies to what was sent still arrive."]
        return ask(self, request, [], title=f"Retire {sender}", lines=lines, button="Retire", is_free=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more: dict[str, Any] = dict(extra_context or {})
        mine = self.worked(request, MailSender.objects.filter(retired_at__isnull=True))
        sender: MailSender | None = mine.filter(pk=object_id).first() if is_id(object_id) else None
        if sender is not None:
            more |= {
                "may_act": self.has_add_permission(request), "checks": check_lines(sender), "lack": lack(sender),
                "domain": sender.domain,
            }  # fmt: skip
        return super().change_view(request, object_id, form_url, more)

    def _sender(self, request: HttpRequest, sender_id: Any) -> MailSender:
        if not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        rows = self.worked(request, MailSender.objects.filter(retired_at__isnull=True).select_related("seller"))
        sender: MailSender | None = rows.filter(pk=sender_id).first()
        if sender is None:
            raise Http404("There is no such address.")
        return sender
