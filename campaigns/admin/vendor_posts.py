"""What vendors of texts, calls and e-mails posted to us, for operators: without bodies, which are what people wrote."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.selectors import user_of
from campaigns.inbound import posts
from campaigns.models import Inbound, UnsignedPost
from common.admin import Empty, chosen
from common.admin_teams import OperatorsAdmin, operates
from common.dates import day
from common.db.clock import database_now
from integrations.naming.vendors import title

KINDS = {
    "opt_out": "Opt-out", "message": "Text", "status": "Status", "health": "Warning", "unreadable": "Not readable",
    "ignored": "Ignored", "bridge": "Call: what now?", "press": "Call: a key was pressed", "lead": "Call: owner",
    "caller": "Call: caller",
    "dial": "Call: how it ended", "amd": "Call: who picked up",
    "mail": "E-mail", "tracking": "E-mail: what became of it",
}  # fmt: skip
UNSIGNED_DAYS = 7


class Waits(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("told", "Needs a look")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Inbound]) -> QuerySet[Inbound]:
        if self.value() == "waiting":
            return queryset.filter(handled_at__isnull=True)
        return queryset.exclude(error="").filter(closed_at__isnull=True) if self.value() == "told" else queryset


@admin.register(Inbound)
class InboundAdmin(OperatorsAdmin):
    """Every post once, the newest first; above them how many were not signed, of which nothing is kept."""

    empty = Empty(
        "Vendor posts list what Twilio, SignalHouse and the e-mail provider told us: statuses, texts, e-mails, "
        "opt-outs, warnings.",
        "Vendors",
        "integrations_vendor_changelist",
    )
    list_before_template = "admin/campaigns/unsigned_posts.html"
    list_display = ("received_at", "who", "what", "handled_at", "tries", "told")
    list_filter = (Waits,)
    fields = (("received_at", "who", "what"), ("handled_at", "tries", "closed_at"), "told", "dedupe")
    actions = ("close",)
    readonly_fields = ("who", "what", "told")
    _columns: ClassVar[tuple[str, ...]] = (
        "id", "vendor", "kind", "dedupe", "received_at", "handled_at", "tries", "error",
        "closed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inbound]:
        rows: QuerySet[Inbound] = super().get_queryset(request)
        return rows.only(*self._columns)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        since = database_now().date() - timedelta(days=UNSIGNED_DAYS - 1)
        rows = UnsignedPost.objects.filter(day__gte=since).order_by("-day", "vendor")
        unsigned = [(day(row.day), title(row.vendor), row.count) for row in rows]
        return super().changelist_view(request, {"unsigned": unsigned, **(extra_context or {})})

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return operates(request)

    @admin.action(description="Close: looked at, nothing more to try", permissions=["operate"])
    def close(self, request: HttpRequest, queryset: QuerySet[Inbound]) -> None:
        ids = [row.pk for row in chosen(self, request, queryset)]
        if not ids:
            return
        closed = posts.close(ids, by=user_of(request))
        words = f"Posts closed: {closed}."
        if left := len(ids) - closed:
            words += f" {left} left: no note on them, closed before, or what they say has not been read yet."
        self.message_user(request, words, messages.SUCCESS if closed else messages.WARNING)

    @admin.display(description="vendor")
    def who(self, post: Inbound) -> str:
        return title(post.vendor)

    @admin.display(description="kind")
    def what(self, post: Inbound) -> str:
        return KINDS.get(post.kind, post.kind)

    @admin.display(description="note", empty_value="–")
    def told(self, post: Inbound) -> str:
        return post.error or "–"
