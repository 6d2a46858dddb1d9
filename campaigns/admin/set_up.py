"""What a team needs before its first text: a checklist, its numbers, its answers for each state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from accounts.access import Scope, access
from accounts.selectors import user_of
from campaigns.gate.words import SELLER
from campaigns.models import MailSender, Sender, StateAnswer
from campaigns.planning.refusals import CampaignError
from campaigns.running.vendor import check_vendor
from campaigns.setup.mail_senders import lack
from campaigns.setup.senders import add_sender, change_sender, retire_sender
from campaigns.setup.state_answers import STATES, Given, answer_states
from common.admin import Empty, ask, confirmed, is_id, page
from common.admin_teams import TeamAdmin, refuse
from integrations.vendors import mail, messaging
from leads.models import Consent, Seller
from leads.permission.selling import active_seller, missing_of

FIELD_NAMES = {  # what a refusal names -> the form's field
    "registrationId": "registration_id", "dailySegments": "daily_segments", "dkimSelector": "dkim_selector",
    "dailyLimit": "daily_limit", "warmUpFrom": "warm_up_from",
}  # fmt: skip


def company(model_admin: TeamAdmin, request: HttpRequest) -> Seller | None:
    """The team's, for who may set it up; None before its profile is begun."""
    if not model_admin.has_add_permission(request):
        raise refuse(Scope.MANAGE)
    return active_seller(access(request).team_id)


def profile_first(model_admin: TeamAdmin, request: HttpRequest) -> HttpResponse:
    """The page in place of one that needs the company."""
    if confirmed(request):
        return redirect("admin:leads_seller_add")
    lines, button = ["Fill in the seller profile first."], "Seller profile"
    return ask(model_admin, request, [], title="Set up texting", lines=lines, button=button, is_free=True)


def saved(form: forms.Form, act: Callable[[], object]) -> bool:
    """Does it; a refusal stands in the form, at its field."""
    try:
        act()
    except CampaignError as error:
        name = FIELD_NAMES.get(error.field, error.field)
        form.add_error(name if name in form.fields else None, str(error))
        return False
    return True


@dataclass(frozen=True, slots=True)
class Point:
    """A line of the checklist. words: what is so, or what is missing. link: where it is done; empty: by an operator.
    is_needed: for texts."""

    name: str
    is_done: bool
    words: str
    link: str = ""
    link_words: str = ""
    is_needed: bool = True


def points(team_id: int) -> list[Point]:
    """In the order in which they are done."""
    seller = active_seller(team_id)
    numbers = list(Sender.objects.filter(seller=seller, retired_at__isnull=True)) if seller else []
    registered = [one for one in numbers if one.registration_id]
    answered = StateAnswer.objects.filter(seller=seller).count() if seller else 0
    has_consent = bool(seller and Consent.objects.filter(seller=seller, channel="sms", kind="written").exists())
    missing = missing_of(seller)
    senders = reverse("admin:campaigns_sender_changelist")
    return [
        Point(
            "Company", not missing, "Complete and attested." if not missing else
            "Fill in the profile: " + ", ".join(SELLER[name] for name in missing) + ".",
            reverse("admin:leads_seller_add"), "Seller profile",
        ),
        Point(
            "Number to text from", bool(numbers),
            f"{len(numbers)} in use." if numbers else "Add the number that your texts leave from.", senders, "Numbers",
        ),
        Point(
            "10DLC registration", bool(registered), "Registered." if registered else
            "Carriers block texts of a number whose campaign is not registered. Enter its registration.", senders,
            "Numbers",
        ),
        Point(
            "States", answered > 0, f"{answered} of {len(STATES)} answered." if answered else
            "Say for each state whether the company is registered as a seller there, or why it need not be.",
            reverse("admin:campaigns_stateanswer_changelist"), "States",
        ),
        Point(
            "Consents", has_consent, "Some people gave signed consent." if has_consent else
            "Nobody gets a text without signed consent on record; purchased data is none.",
            reverse("admin:leads_consent_changelist"), "Consents",
        ),
        _vendor(numbers),
        _mail(seller),
        Point(
            "Public address", bool(settings.PUBLIC_URL), "Vendors can report back." if settings.PUBLIC_URL else
            "An operator sets PUBLIC_URL: vendors say there what became of a text, and bring what people answer.",
        ),
    ]  # fmt: skip


def _mail(seller: Seller | None) -> Point:
    """Another way to reach people: a team that only texts needs none of it."""
    place = reverse("admin:campaigns_mailsender_changelist")
    addresses = list(MailSender.objects.filter(seller=seller, retired_at__isnull=True)) if seller else []
    wrong = mail.lack() or next((words for one in addresses if (words := lack(one))), "")
    if not addresses and not wrong:
        wrong = "Add the address that your e-mails leave from"
    words = f"{wrong}." if wrong else f"{len(addresses)} in use, their domains are right."
    return Point("E-mail", not wrong, words, place, "E-mail addresses", is_needed=False)


def _vendor(numbers: list[Sender]) -> Point:
    name = "Vendor of texts"
    if not settings.SMS_VENDOR:
        return Point(name, is_done=False, words="Nobody carries texts here: an operator sets SMS_VENDOR.")
    if lacking := messaging.lack(settings.SMS_VENDOR):
        return Point(name, is_done=False, words=f"{lacking}.")
    for number in numbers:
        try:
            check_vendor(number)
        except CampaignError as error:
            return Point(name, is_done=False, words=str(error))
    return Point(name, is_done=True, words="Connected.")


class SenderForm(forms.Form):
    number = forms.CharField(max_length=40, help_text="Such as (614) 555-0100")
    vendor = forms.ChoiceField(choices=Sender.Vendor.choices, label="Carried by")
    registration_id = forms.CharField(max_length=100, required=False, label="10DLC campaign registration")
    daily_segments = forms.IntegerField(min_value=1, required=False, label="Segments a day the carriers allow")
    voice = forms.BooleanField(
        required=False, label="Calls",
        help_text=(
            "Callers may call owners from this number. Twilio rings their own phones first, confirmed on their "
            "profiles. SignalHouse rings their softphones: each needs a sign-in that is made at SignalHouse, under the "
            "name on the caller’s page Your own phone."
        ),
    )  # fmt: skip


class ChangedSenderForm(SenderForm):
    number = None  # type: ignore[assignment]
    vendor = None  # type: ignore[assignment]


@admin.register(Sender)
class SenderAdmin(TeamAdmin):
    """The numbers a company texts from. Retired, never deleted."""

    empty = Empty("Numbers are what your texts leave from.", "Add a number", "campaigns_sender_add")
    change_form_template = "admin/campaigns/sender/change_form.html"
    list_before_template = "admin/campaigns/sender/set_up_link.html"
    team = "seller__team"
    adds = Scope.MANAGE
    moments: ClassVar[Any] = {"created_at": "added"}
    list_display = ("number", "vendor", "registration", "daily_segments", "voice", "created_at", "retired_at")
    fields = readonly_fields = (
        "number", "vendor", "registration_id", "daily_segments", "voice", "created_at", "retired_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("seller")

    @admin.display(description="10DLC registration", ordering="registration_id")
    def registration(self, row: Sender) -> str:
        return row.registration_id or "-"

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("add/", inside(self.add_one), name="campaigns_sender_add"),
            path("set-up/", inside(self.set_up), name="campaigns_sender_setup"),
            path("<uuid:sender_id>/edit/", inside(self.edit), name="campaigns_sender_edit"),
            path("<uuid:sender_id>/retire/", inside(self.retire), name="campaigns_sender_retire"),
            *super().get_urls(),
        ]

    def set_up(self, request: HttpRequest) -> HttpResponse:
        """What is missing before the first text."""
        team_id = access(request).team_id
        if team_id is None or access(request).only_assigned:
            raise PermissionDenied("The set-up of texting is for people who work in a team.")
        found = points(team_id)
        needed = [point for point in found if point.is_needed]
        left = sum(not point.is_done for point in needed)
        return page(
            self, request, "admin/set_up.html", "Set up texting", points=found, left=left, needed=len(needed)
        )  # fmt: skip

    def add_one(self, request: HttpRequest) -> HttpResponse:
        seller = company(self, request)
        if seller is None:
            return profile_first(self, request)
        form = SenderForm(request.POST if confirmed(request) else None, initial={"vendor": settings.SMS_VENDOR})
        if confirmed(request) and form.is_valid():
            made = saved(form, lambda: add_sender(by=user_of(request), seller=seller, **form.cleaned_data))
            if made:
                self.message_user(request, "Number added.", messages.SUCCESS)
                return redirect("admin:campaigns_sender_changelist")
        lines = ["It is yours alone: no other company here can use it.", "Texts leave only once it is registered."]
        return ask(self, request, [], title="Add a number", lines=lines, button="Add", form=form, is_free=True)

    def edit(self, request: HttpRequest, sender_id: Any) -> HttpResponse:
        sender = self._sender(request, sender_id)
        names = ("registration_id", "daily_segments", "voice")
        form = ChangedSenderForm(
            request.POST if confirmed(request) else None, initial={name: getattr(sender, name) for name in names}
        )
        if confirmed(request) and form.is_valid():
            changes = {name: form.cleaned_data[name] for name in names}
            if saved(form, lambda: change_sender(sender=sender, by=user_of(request), changes=changes)):
                self.message_user(request, "Number saved.", messages.SUCCESS)
                return redirect("admin:campaigns_sender_changelist")
        return ask(self, request, [], title=f"Number {sender}", lines=[], button="Save", form=form, is_free=True)

    def retire(self, request: HttpRequest, sender_id: Any) -> HttpResponse:
        sender = self._sender(request, sender_id)
        if confirmed(request):
            try:
                retire_sender(sender=sender, by=user_of(request))
            except CampaignError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, "Number retired.", messages.SUCCESS)
            return redirect("admin:campaigns_sender_changelist")
        lines = ["Nothing is sent from it any more. What people write to it still arrives."]
        return ask(self, request, [], title=f"Retire {sender}", lines=lines, button="Retire", is_free=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        mine = self.worked(request, Sender.objects.filter(retired_at__isnull=True))
        may_act = self.has_add_permission(request) and is_id(object_id) and mine.filter(pk=object_id).exists()
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_act": may_act})

    def _sender(self, request: HttpRequest, sender_id: Any) -> Sender:
        if not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        rows = self.worked(request, Sender.objects.filter(retired_at__isnull=True))
        sender: Sender | None = rows.filter(pk=sender_id).first()
        if sender is None:
            raise Http404("There is no such number.")
        return sender


class AnswersForm(forms.Form):
    states = forms.CharField(max_length=300, help_text="Two letters each, such as TX, FL; or: all")
    answer = forms.ChoiceField(choices=StateAnswer.Answer.choices)
    words = forms.CharField(max_length=300, required=False, label="Registration number, or why it is exempt")


@admin.register(StateAnswer)
class StateAnswerAdmin(TeamAdmin):
    """Whether the company is registered as a seller in each state."""

    empty = Empty(
        "In some states a company must register before it calls or texts. Nobody in a state without an answer is "
        "contacted.",
        "Answer for states",
        "campaigns_stateanswer_add",
    )
    team = "seller__team"
    adds = Scope.MANAGE
    list_display = ("state", "answer", "words", "updated_at")
    list_filter = ("answer",)
    ordering = ("state",)
    fields = readonly_fields = ("state", "answer", "words", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("seller")

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [path("add/", inside(self.answer_some), name="campaigns_stateanswer_add"), *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def answer_some(self, request: HttpRequest) -> HttpResponse:
        seller = company(self, request)
        if seller is None:
            return profile_first(self, request)
        form = AnswersForm(request.POST if confirmed(request) else None)
        if confirmed(request) and form.is_valid():
            given = form.cleaned_data
            named = given["states"].strip()
            states = sorted(STATES) if named.lower() == "all" else [s for s in named.replace(",", " ").split() if s]
            try:
                answer_states(
                    by=user_of(request), seller=seller,
                    answers=[Given(state, given["answer"], given["words"]) for state in states],
                )  # fmt: skip
            except CampaignError as error:
                name = error.field.rpartition(".")[2]
                form.add_error({"state": "states"}.get(name, name if name in form.fields else None), str(error))
            else:
                self.message_user(request, f"Answered for {len(states)} states.", messages.SUCCESS)
                return redirect("admin:campaigns_stateanswer_changelist")
        lines = ["An answer takes the place of the one before. Ask counsel where you are not sure."]
        return ask(self, request, [], title="Answer for states", lines=lines, button="Save", form=form, is_free=True)
