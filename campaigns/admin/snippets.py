"""Snippets: the company's words that many templates have in common."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html

from accounts.access import Scope, access
from accounts.selectors import user_of
from campaigns.admin.set_up import profile_first
from campaigns.models import Snippet
from campaigns.planning.refusals import CampaignError
from campaigns.texts.snippets import NAME_MAX, TEXT_MAX, add_snippet, change_snippet, delete_snippet
from common.admin import Empty, ask, confirmed, is_id
from common.admin_teams import TeamAdmin, demand, may
from leads.permission.selling import active_seller

LINES = ["A template takes it by {{snippet:its-name}} when it is saved, and keeps what it said then."]


class SnippetForm(forms.Form):
    name = forms.CharField(max_length=NAME_MAX, help_text="Small letters, digits and hyphens: signature")
    text = forms.CharField(
        max_length=TEXT_MAX, widget=forms.Textarea(attrs={"rows": 6}), strip=False,
        help_text="With variables, such as {{agentName}}",
    )  # fmt: skip


@admin.register(Snippet)
class SnippetAdmin(TeamAdmin):
    """Words that many templates have in common, such as a signature."""

    empty = Empty(
        "Snippets are words that many of your templates have in common, such as a signature.",
        "Add snippet",
        "campaigns_snippet_add",
    )
    team = "seller__team"
    adds = changes = Scope.WRITE
    moments: ClassVar[Any] = {"updated_at": "changed"}
    list_display = ("name", "text", "updated_at")
    list_filter = ()
    search_fields = ("name", "text")
    ordering = ("name",)
    fields = readonly_fields = ("name", "text", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("seller")
        return rows.filter(seller__replaced_at__isnull=True)

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        remove = path("<uuid:snippet_id>/remove/", inside(self.remove), name="campaigns_snippet_remove")
        return [remove, *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # by `remove`

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        demand(request, Scope.WRITE)
        seller = active_seller(access(request).team_id)
        if seller is None:
            return profile_first(self, request)
        form = SnippetForm(request.POST if confirmed(request) else None)
        if confirmed(request) and form.is_valid():
            try:
                made = add_snippet(by=user_of(request), seller=seller, **form.cleaned_data)
            except CampaignError as error:
                form.add_error(error.field or None, str(error))
            else:
                self.message_user(request, f"Snippet saved: {made}.", messages.SUCCESS)
                return redirect("admin:campaigns_snippet_changelist")
        return ask(self, request, [], title="Add snippet", lines=LINES, button="Save", form=form, is_free=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        snippet = self._snippet(request, object_id)
        if request.method != "POST" and not may(request, Scope.WRITE, snippet.seller.team_id):
            return super().change_view(request, object_id, form_url, extra_context)  # to read
        demand(request, Scope.WRITE, snippet.seller.team_id)
        first = {"name": snippet.name, "text": snippet.text}
        form = SnippetForm(request.POST if confirmed(request) else None, initial=first)
        if confirmed(request) and form.is_valid():
            try:
                change_snippet(snippet=snippet, by=user_of(request), **form.cleaned_data)
            except CampaignError as error:
                form.add_error(error.field or None, str(error))
            else:
                self.message_user(request, "Snippet saved. Saved templates keep what it said.", messages.SUCCESS)
                return redirect("admin:campaigns_snippet_changelist")
        remove = reverse("admin:campaigns_snippet_remove", args=[snippet.pk])
        lines = [*LINES, format_html('<a class="desk-link" href="{}">Delete this snippet</a>', remove)]
        title = f"Snippet {first['name']}"
        return ask(self, request, [], title=title, lines=lines, button="Save", form=form, is_free=True)

    def remove(self, request: HttpRequest, snippet_id: UUID) -> HttpResponse:
        snippet = self._snippet(request, snippet_id)
        demand(request, Scope.WRITE, snippet.seller.team_id)
        if confirmed(request):
            delete_snippet(snippet=snippet, by=user_of(request))
            self.message_user(request, "Snippet deleted.", messages.SUCCESS)
            return redirect("admin:campaigns_snippet_changelist")
        lines = ["Saved templates keep what it said. One that is saved again needs other words."]
        return ask(self, request, [], title=f"Delete {snippet}?", lines=lines, button="Delete")

    def _snippet(self, request: HttpRequest, snippet_id: Any) -> Snippet:
        found: Snippet | None = None
        if isinstance(snippet_id, UUID) or is_id(snippet_id):
            found = self.get_queryset(request).filter(pk=snippet_id).first()
        if found is None:
            raise Http404("There is no such snippet.")
        return found
