"""The Inbox: what owners wrote, who answers, and what a person must decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from accounts.access import Scope, access
from accounts.models import User
from accounts.selectors import user_of
from campaigns import clock
from campaigns.admin.words import why_in_words
from campaigns.gate.contact import may_contact
from campaigns.gate.words import words as reasons_of
from campaigns.inbound import history, talks
from campaigns.models import Conversation, Delivery
from campaigns.rules.facts import Channel
from campaigns.sending.mailing import EMAIL
from campaigns.sending.queue import MAIL_MOST, CannotQueue, reply_subject
from common.admin import Empty, dressed, is_id, page
from common.admin_teams import TeamAdmin, refuse
from common.contact_access import masked_email, masked_phone, masked_text
from common.dates import moment
from leads.selection.assignment import WORKERS, NotAMember

REFUSED = (talks.BadTalk, CannotQueue, NotAMember)
_MEANINGS = {
    "opt_out": "opted out", "wrong": "wrong number", "help": "asked for help", "start": "opted in again",
    "ask": "may be an opt-out",
}  # fmt: skip


class ReplyForm(forms.Form):
    text = forms.CharField(
        max_length=talks.TEXT_MOST,
        label="Your answer",
        widget=forms.Textarea(attrs={"rows": 4, "data-send-with": "ctrl-enter"}),
        help_text="Ctrl and Enter send it.",
    )

    def __init__(self, *args: Any, channel: str = "sms", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if channel == EMAIL:
            self.fields["text"] = forms.CharField(
                max_length=MAIL_MOST, label="Your e-mail", widget=self.fields["text"].widget,
                help_text="Ctrl and Enter send it. Your company's name and address, and the way out, are added below.",
            )  # fmt: skip


class AssignForm(forms.Form):
    to = forms.ModelChoiceField(queryset=User.objects.none(), required=False, empty_label="Nobody", label="Assigned to")

    def __init__(self, *args: Any, team_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        able = User.objects.filter(memberships__team=team_id, memberships__role__in=WORKERS, is_active=True)
        field.queryset = able.order_by("username")
        field.label_from_instance = User.get_username


class Whose(admin.SimpleListFilter):
    title = "which"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("held", "To decide"), ("unread", "Not read"), ("mine", "Mine"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        closed = queryset.filter(state=Conversation.State.CLOSED)
        rows = queryset.exclude(state=Conversation.State.CLOSED)
        return {
            "held": rows.filter(state=Conversation.State.HELD),
            "unread": rows.filter(is_read=False),
            "mine": rows.filter(assigned_to=user_of(request)),
            "closed": closed,
        }.get(self.value() or "", rows)


@admin.register(Conversation)
class ConversationAdmin(TeamAdmin):
    """One open conversation an owner; what must be decided stands first."""

    empty = Empty(
        "The Inbox holds what owners write back. Nobody has written yet.", "Campaigns", "campaigns_campaign_changelist"
    )
    entries: ClassVar[Mapping[str, Empty]] = {
        "which=unread": Empty(
            "You have read all that owners wrote. What comes next stands here.",
            "Inbox",
            "campaigns_conversation_changelist",
        )
    }
    assigned = "assigned_to"
    list_display = ("about", "by_channel", "state_words", "assigned_to", "last_word", "decide_by")
    list_filter = (Whose,)
    ordering = ("decide_by", "-last_in_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("lead", "assigned_to")

    def worked(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(pk__in=Conversation.objects.seen_by(access(request)).values("pk"))

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        acts = {"reply": self.reply, "assign": self.assign, "close": self.close, "decide": self.decide}
        return [
            *(
                path(f"<uuid:talk_id>/{name}/", inside(require_POST(act)), name=f"campaigns_conversation_{name}")
                for name, act in acts.items()
            ),
            *super().get_urls(),
        ]

    @admin.display(description="about")
    def about(self, talk: Conversation) -> str:
        return str(talk.lead) if talk.lead else f"{_unknown(talk)} {_masked(talk)}".strip()

    @admin.display(description="by", ordering="channel")
    def by_channel(self, talk: Conversation) -> str:
        return "E-mail" if talk.channel == EMAIL else "Text"

    @admin.display(description="status", ordering="state")
    def state_words(self, talk: Conversation) -> str:
        new = "" if talk.is_read or talk.state == Conversation.State.CLOSED else " · new"
        return f"{talk.get_state_display()}{new}"

    @admin.display(description="their last words", ordering="last_in_at")
    def last_word(self, talk: Conversation) -> str:
        return moment(talk.last_in_at) or "-"

    # --- One conversation ---------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        talk = self._talk(request, object_id)
        if access(request).can_in(talk.team_id, Scope.CONTACTS):
            talks.mark_read(talk=talk)
        return self._page(request, talk)

    def reply(self, request: HttpRequest, talk_id: UUID) -> HttpResponse:
        talk = self._talk(request, talk_id, works=True)
        form = ReplyForm(request.POST, channel=talk.channel)
        if not form.is_valid():
            return self._page(request, talk, reply=form)
        try:
            talks.reply(talk=talk, by=user_of(request), text=form.cleaned_data["text"])
        except REFUSED as error:
            form.add_error("text" if getattr(error, "field", "") == "text" else None, str(error))
            return self._page(request, talk, reply=form)
        self.message_user(request, "Your answer is on its way, if the rules let it: see below.", messages.SUCCESS)
        return self._back(talk)

    def assign(self, request: HttpRequest, talk_id: UUID) -> HttpResponse:
        talk = self._talk(request, talk_id, works=True)
        form = AssignForm(request.POST, team_id=talk.team_id)
        if not form.is_valid():
            return self._page(request, talk, assign=form)
        return self._done(
            request, talk, lambda: talks.assign(talk=talk, by=user_of(request), to=form.cleaned_data["to"]), "Assigned."
        )

    def close(self, request: HttpRequest, talk_id: UUID) -> HttpResponse:
        talk = self._talk(request, talk_id, works=True)
        return self._done(request, talk, lambda: talks.close(talk=talk, by=user_of(request)), "Closed.")

    def decide(self, request: HttpRequest, talk_id: UUID) -> HttpResponse:
        talk = self._talk(request, talk_id, works=True)
        said = request.POST.get("opt_out", "")
        if said not in ("yes", "no"):
            raise Http404("Say whether it was an opt-out.")
        words = "Opted out: nobody contacts them any more." if said == "yes" else "Noted: it was no opt-out."
        return self._done(
            request, talk, lambda: talks.decide(talk=talk, by=user_of(request), is_opt_out=said == "yes"), words
        )

    def _done(self, request: HttpRequest, talk: Conversation, act: Any, words: str) -> HttpResponse:
        try:
            act()
        except REFUSED as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, words, messages.SUCCESS)
        return self._back(talk)

    @staticmethod
    def _back(talk: Conversation) -> HttpResponse:
        return redirect("admin:campaigns_conversation_change", talk.pk)

    def _talk(self, request: HttpRequest, talk_id: UUID | str, *, works: bool = False) -> Conversation:
        rows = self.get_queryset(request).select_related("lead", "assigned_to", "sender", "mail_sender", "team", "key")
        talk: Conversation | None = rows.filter(pk=talk_id).first() if is_id(str(talk_id)) else None
        if talk is None:
            raise Http404("There is no such conversation.")
        if works and not access(request).can_in(talk.team_id, Scope.CONTACTS):
            raise refuse(Scope.CONTACTS)
        return talk

    def _page(
        self,
        request: HttpRequest,
        talk: Conversation,
        *,
        reply: ReplyForm | None = None,
        assign: AssignForm | None = None,
    ) -> HttpResponse:
        works = shows = access(request).can_in(talk.team_id, Scope.CONTACTS)
        names = dict(User.objects.filter(memberships__team=talk.team_id).values_list("pk", "username"))
        words = [
            {
                "is_theirs": word.is_theirs,
                "text": None if word.text is None else _shown(word.text, shows=shows),
                "subject": _shown(word.subject or "", shows=shows),
                "by": "e-mail" if word.channel == EMAIL else "text",
                "at": word.at,
                "who": "They" if word.is_theirs else names.get(word.by, "Sent by itself") if word.by else "Campaign",
                "what": _MEANINGS.get(word.meaning, "") if word.is_theirs else _state(word),
            }
            for word in history.words(talk)
        ]
        is_open = talk.state not in (Conversation.State.CLOSED, Conversation.State.HELD)
        return page(
            self,
            request,
            "admin/conversation.html",
            str(talk.lead) if talk.lead else _unknown(talk),
            talk=talk,
            by_mail=talk.channel == EMAIL,
            number=(talk.address or "") if shows else _masked(talk),
            subject=_shown(reply_subject(talks.subject_of(talk)), shows=shows) if talk.channel == EMAIL else "",
            words=words,
            works=works,
            is_open=is_open,
            is_held=talk.state == Conversation.State.HELD,
            reasons=self._reasons(request, talk) if works and is_open else [],
            reply=dressed(reply or ReplyForm(channel=talk.channel)),
            assign=dressed(assign or AssignForm(team_id=talk.team_id, initial={"to": talk.assigned_to_id})),
        )

    @staticmethod
    def _reasons(request: HttpRequest, talk: Conversation) -> list[str]:
        """Why an answer would not leave now; empty: it would."""
        if talk.lead is None:
            return []
        channel: Channel = "email" if talk.channel == EMAIL else "sms"
        asked = may_contact(
            talk.lead.pk, channel, by=user_of(request), purpose="reply", at=clock.now(), address=talk.address,
            team_id=talk.team_id, record=False,
        )  # fmt: skip
        return [] if asked.decision.verdict == "yes" else reasons_of(asked.decision, channel)


def _unknown(talk: Conversation) -> str:
    return "Unknown sender" if talk.channel == EMAIL else "Unknown number"


def _masked(talk: Conversation) -> str:
    if not talk.address:
        return ""
    return masked_email(talk.address) if "@" in talk.address else masked_phone(talk.address)


def _shown(text: str, *, shows: bool) -> str:
    return text if shows else masked_text(text)


def _state(word: history.Word) -> str:
    """What became of a message of ours."""
    label = str(Delivery.State(word.state).label).lower()
    why = why_in_words(word.error, word.error_words, word.refusal)
    return f"{label}: {why}" if why else label
