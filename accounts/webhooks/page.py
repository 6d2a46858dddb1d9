"""The page "Webhooks", for managers: a team's addresses, what was sent to each, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from accounts.access import Scope, access
from accounts.fresh import requires_fresh_to_change
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.models.webhook import URL_MAX
from accounts.selectors import user_of
from accounts.webhooks import services
from accounts.webhooks.registries import events
from accounts.webhooks.services import WebhookRefused
from common.admin import CommonAdmin, Empty, ask, confirmed, dressed, is_id, page, sees_all

SHOWN = 50  # deliveries of a page, the latest
Act = Callable[[WebhookEndpoint, HttpRequest], str]


class WebhookForm(forms.Form):
    """Where, and what."""

    url = forms.CharField(label="URL", max_length=URL_MAX, help_text="https://…, on the internet")
    events = forms.MultipleChoiceField(
        choices=lambda: [(name, f"{name}: {words}") for name, words in events().items()],
        widget=forms.CheckboxSelectMultiple,
        label="Events",
    )

    def refuse(self, refusal: WebhookRefused) -> None:
        self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))


@admin.register(WebhookEndpoint)
class WebhookAdmin(CommonAdmin):
    """A manager sees and changes her team's; superusers look at every team's."""

    empty = Empty(
        "Webhooks tell another program what happens in your team.", "Add webhook", "accounts_webhookendpoint_add"
    )
    list_display = ("url", "what", "is_on", "reason", "answered_at")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        rows: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        return rows if sees_all(request) else rows.filter(team=access(request).team_id)

    @admin.display(description="events")
    def what(self, webhook: WebhookEndpoint) -> str:
        return ", ".join(webhook.events)

    # --- Who ----------------------------------------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and (sees_all(request) or access(request).can(Scope.MANAGE)))

    def has_view_permission(self, request: HttpRequest, _obj: WebhookEndpoint | None = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        team_id = access(request).team_id if obj is None else obj.team_id
        return bool(request.user.is_active and access(request).can_in(team_id, Scope.MANAGE))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, _request: HttpRequest, _obj: WebhookEndpoint | None = None) -> bool:
        return False  # by a button of its own

    def _webhook(self, request: HttpRequest, pk: UUID | str) -> WebhookEndpoint:
        if not self.has_module_permission(request):
            raise PermissionDenied("Your role does not let you manage the team: ask one of its managers.")
        found = self.get_queryset(request).filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None:
            raise Http404("There is no such webhook.")
        if request.method == "POST" and not self.has_change_permission(request, found):
            raise PermissionDenied("This is another team's: it can be looked at, and not changed.")
        return found

    # --- Pages --------------------------------------------------------------------------------------------------------

    def get_urls(self) -> Any:
        acts: dict[str, Callable[..., HttpResponse]] = {
            "test": self._acting(_test), "replay": self._acting(_replay), "on": self._acting(_turn_on),
            "off": self._acting(_turn_off), "rotate": self.rotate_view, "delete": self.remove_view,
        }  # fmt: skip
        ours = [
            path(f"<uuid:pk>/{name}/", self.admin_site.admin_view(view), name=f"accounts_webhookendpoint_{name}")
            for name, view in acts.items()
        ]
        return [*ours, *super().get_urls()]

    @requires_fresh_to_change
    def add_view(self, request: HttpRequest, _form_url: str = "", _extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WebhookForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            team_id: Any = access(request).team_id
            try:
                made, secret = services.create_endpoint(by=user_of(request), team_id=team_id, **form.cleaned_data)
            except WebhookRefused as refusal:
                form.refuse(refusal)
            else:
                return self._show_secret(request, made, secret)
        back = reverse("admin:accounts_webhookendpoint_changelist")
        return ask(self, request, [], title="Add webhook", lines=[], button="Add", form=form, is_free=True, back=back)

    @requires_fresh_to_change
    def change_view(
        self, request: HttpRequest, object_id: str, _form_url: str = "", _extra_context: Any = None
    ) -> HttpResponse:
        webhook = self._webhook(request, object_id)
        form = WebhookForm(
            request.POST if request.method == "POST" else None, initial={"url": webhook.url, "events": webhook.events}
        )
        if form.is_valid():
            try:
                services.change_endpoint(endpoint=webhook, by=user_of(request), changes=form.cleaned_data)
            except WebhookRefused as refusal:
                form.refuse(refusal)
            else:
                return self._back(request, webhook, "Webhook saved.")
        sent = WebhookDelivery.objects.filter(endpoint=webhook).order_by("-pk")[:SHOWN]
        mine = self.has_change_permission(request, webhook)
        return page(
            self, request, "admin/webhooks/webhook.html", "Webhook", webhook=webhook, sent=sent, form=dressed(form),
            may_change=mine,
        )  # fmt: skip

    def _acting(self, act: Act) -> Callable[..., HttpResponse]:
        @require_POST
        @requires_fresh_to_change
        def view(request: HttpRequest, pk: UUID) -> HttpResponse:
            webhook = self._webhook(request, pk)
            try:
                words = act(webhook, request)
            except WebhookRefused as refusal:
                return self._back(request, webhook, str(refusal), messages.ERROR)
            return self._back(request, webhook, words)

        return view

    @requires_fresh_to_change
    def rotate_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        webhook = self._webhook(request, pk)
        if request.method == "POST" and confirmed(request):
            return self._show_secret(request, webhook, services.rotate_secret(endpoint=webhook, by=user_of(request)))
        lines = ["For 24 hours events are signed with both the new secret and the one before."]
        return ask(self, request, [], title="Rotate the secret?", lines=lines, button="Rotate", back=_page_of(webhook))

    @requires_fresh_to_change
    def remove_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        webhook = self._webhook(request, pk)
        if request.method == "POST" and confirmed(request):
            services.delete_endpoint(endpoint=webhook, by=user_of(request))
            self.message_user(request, f"Deleted: {webhook}", messages.SUCCESS)
            return redirect("admin:accounts_webhookendpoint_changelist")
        lines = [str(webhook), "Its deliveries are deleted too. No more events are sent."]
        return ask(self, request, [], title="Delete webhook?", lines=lines, button="Delete", back=_page_of(webhook))

    def _show_secret(self, request: HttpRequest, webhook: WebhookEndpoint, secret: str) -> HttpResponse:
        shown = page(self, request, "admin/webhooks/secret.html", "Secret", webhook=webhook, secret=secret)
        shown.headers["Cache-Control"] = "no-store"
        return shown

    def _back(
        self, request: HttpRequest, webhook: WebhookEndpoint, words: str, level: int = messages.SUCCESS
    ) -> HttpResponse:
        self.message_user(request, words, level)
        return redirect(_page_of(webhook))


def _page_of(webhook: WebhookEndpoint) -> str:
    return reverse("admin:accounts_webhookendpoint_change", args=[webhook.pk])


# --- The buttons: each answers with what was done ---------------------------------------------------------------------


def _test(webhook: WebhookEndpoint, _request: HttpRequest) -> str:
    services.send_test(endpoint=webhook)
    return "A test event is on its way. Reload the page to see how it went."


def _replay(webhook: WebhookEndpoint, request: HttpRequest) -> str:
    """One delivery, or all that failed."""
    given = request.POST.get("delivery", "")
    if given and not is_id(given):
        raise WebhookRefused("There is no such delivery.")
    count = services.replay(endpoint=webhook, delivery_id=UUID(given) if given else None)
    return f"{count:,} {'delivery is' if count == 1 else 'deliveries are'} sent again."


def _turn_on(webhook: WebhookEndpoint, request: HttpRequest) -> str:
    services.change_endpoint(endpoint=webhook, by=user_of(request), changes={"is_on": True})
    return "The webhook is on. Events that failed can be sent again."


def _turn_off(webhook: WebhookEndpoint, request: HttpRequest) -> str:
    services.change_endpoint(endpoint=webhook, by=user_of(request), changes={"is_on": False})
    return "The webhook is off. No events are kept for it."
