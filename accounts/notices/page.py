"""The list of notifications, where each leads, and how one wants to be notified."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import access
from accounts.models import NoticeKind, NoticeMail
from accounts.notices import selectors
from accounts.notices.choices import change_choices, choices_of
from accounts.notices.registries import address_of
from accounts.selectors import user_of
from accounts.sign_in.proving import is_proved
from common.admin import dressed, is_id
from common.dates import clock

SHOWN = 50


def unread_here(request: HttpRequest) -> dict[str, Any]:
    """For every page of the desk: how many she has not read, as its head shows it. Asked by these pages alone."""
    if getattr(request, "access", None) is None or not request.user.is_authenticated:
        return {}
    return {"unread_notices": SimpleLazyObject(lambda: _badge(selectors.unread(access(request))))}


def _badge(many: int) -> str:
    return f"{selectors.UNREAD_MOST}+" if many > selectors.UNREAD_MOST else str(many or "")


@never_cache
@login_required
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Newest first; `before`: those older than this one. `unread`: only these."""
    rows, before = selectors.notices_of(access(request)), request.GET.get("before", "")
    if before:
        if not is_id(before):
            raise Http404("There is no such page.")
        rows = rows.filter(pk__lt=before)
    only_unread = request.GET.get("unread") == "1"
    rows = rows.filter(read_at__isnull=True) if only_unread else rows
    found = list(rows.order_by("-pk")[: SHOWN + 1])
    told = admin.site.each_context(request) | {
        "title": "Notifications",
        "notices": found[:SHOWN],
        "older": found[SHOWN - 1].pk if len(found) > SHOWN else None,
        "only_unread": only_unread,
        "is_first": not before,
    }
    return TemplateResponse(request, "admin/notices/list.html", told)


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """All up to the newest that she was shown: one that has come since stays unread."""
    until = request.POST.get("until", "")
    if not is_id(until):
        raise Http404("There is no such notification.")
    many = selectors.mark_read(access(request), until=UUID(until))
    messages.success(request, f"{many:,} marked as read." if many else "All were read already.")
    return redirect("notices")


@login_required
@require_POST
def follow(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Marks one as read; leads to what it is about, or back to the list (`stay`)."""
    person = access(request)
    found = selectors.notices_of(person).filter(pk=notice_id).first()
    if found is None:
        raise Http404("There is no such notification.")
    selectors.mark_read(person, ids=[found.pk])
    place = "" if request.POST.get("stay") else address_of(found.about, found.about_id)
    return redirect(place or reverse("notices"))


class ChoicesForm(forms.Form):
    """Of each kind: on pages, and how by e-mail. Then the digest's hour."""

    digest_hour = forms.TypedChoiceField(
        label="Daily digest from", coerce=int, choices=[(hour, clock(time(hour))) for hour in range(24)],
        help_text="By your clock. Nothing happened: no e-mail.",
    )  # fmt: skip

    def __init__(self, data: Any, *, user: Any) -> None:
        found = choices_of(user)
        initial: dict[str, Any] = {"digest_hour": found.digest_hour}
        super().__init__(data, initial=initial)
        for one in found.kinds:
            label = one.kind.label
            initial |= {f"{one.kind}_pages": one.on_pages, f"{one.kind}_mail": one.mail}
            self.fields[f"{one.kind}_pages"] = forms.BooleanField(required=False, label=f"{label}: on pages")
            self.fields[f"{one.kind}_mail"] = forms.ChoiceField(choices=NoticeMail.choices, label=f"{label}: by e-mail")

    def rows(self) -> list[tuple[str, Any, Any]]:
        return [(kind.label, self[f"{kind}_pages"], self[f"{kind}_mail"]) for kind in NoticeKind]

    def kinds(self) -> dict[str, tuple[bool | None, str | None]]:
        """Of a valid form."""
        said = self.cleaned_data
        return {str(kind): (said[f"{kind}_pages"], said[f"{kind}_mail"]) for kind in NoticeKind}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = ChoicesForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        change_choices(user=user, kinds=form.kinds(), digest_hour=form.cleaned_data["digest_hour"])
        messages.success(request, "Saved.")
        return redirect("notices_settings")
    told = {"title": "What you are notified of", "form": dressed(form), "rows": form.rows()}
    told["is_proved"] = is_proved(user)
    return TemplateResponse(request, "admin/notices/settings.html", admin.site.each_context(request) | told)
