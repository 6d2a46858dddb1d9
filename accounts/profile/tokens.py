"""Her API tokens: made, narrowed and ended by the person herself. Superusers see everybody's, and may end them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from knox.models import AuthToken

from accounts.access import NoSuchTeam, Scope
from accounts.fresh import requires_fresh
from accounts.models import User
from accounts.selectors import user_of
from accounts.tokens import (
    DAYS_MAX,
    NAME_MAX,
    TokenRefused,
    TooManyTokens,
    change_token,
    end_tokens,
    issue_token,
)
from common.admin import Empty, OwnedAdmin, ask, called, confirmed, dressed, page, sees_all
from common.dates import day, moment

admin.site.unregister(AuthToken)
called(AuthToken, "API token", "API tokens")

SCOPE_WORDS = {
    Scope.READ: "Read buckets, leads and jobs",
    Scope.WRITE: "Change leads, note activities",
    Scope.CONTACTS: "See phones and e-mails",
    Scope.BUY: "Spend money",
    Scope.EXPORT: "Export leads",
    Scope.CAMPAIGN: "Contact owners",
    Scope.MANAGE: "Manage people, limits and deletions",
}


class TokenForm(forms.Form):
    """What a token is for. Without a choice of what it may do, it may do all its user may."""

    name = forms.CharField(max_length=NAME_MAX, help_text="What it is for, such as nightly export")
    team_id = forms.ChoiceField(label="Team")
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
        help_text="None chosen: whatever your role allows",
    )
    addresses = forms.CharField(
        required=False,
        label="Works only from",
        max_length=1200,
        help_text="IP addresses or networks, separated by commas; empty: anywhere",
    )
    days = forms.IntegerField(
        min_value=1, max_value=DAYS_MAX, required=False, label="Expires in (days)", help_text="Empty: the usual time"
    )

    def __init__(self, *args: Any, user: User, new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = [(str(one.team_id), one.team.name) for one in user.memberships.select_related("team").order_by("pk")]
        if new and len(teams) > 1:
            self.fields["team_id"].choices = teams  # type: ignore[attr-defined]
        else:
            del self.fields["team_id"]
        if not new:
            self.fields["days"].help_text = "Empty: as it is"

    def wanted(self) -> dict[str, Any]:
        """As `issue_token` and `change_token` take it."""
        data = dict(self.cleaned_data)
        data["scopes"] = data["scopes"] or None
        data["addresses"] = [part for part in data["addresses"].replace(",", " ").split() if part]
        if data.get("team_id"):
            data["team_id"] = int(data["team_id"])
        return data

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields else None, str(error))


@admin.register(AuthToken)
class TokenAdmin(OwnedAdmin):
    """A token is seen by its beginning. Its digest is its key, so pages go by the beginning."""

    owner = "user"
    empty = Empty("API tokens let programs work in your name.", "New token", "knox_authtoken_add")
    list_display = ("name", "token", "team", "scopes", "last_used", "expires", "edit")
    list_display_links = None
    list_select_related = ("user", "grant__team")
    search_fields = ("user__username",)
    ordering: ClassVar[Any] = ("-created",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = AuthToken.objects.filter(grant__isnull=False)
        return rows if sees_all(request) else rows.filter(user=request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_staff

    @admin.display(description="name")
    def name(self, row: AuthToken) -> str:
        return str(row.grant.name)

    @admin.display(description="token")
    def token(self, row: AuthToken) -> str:
        return f"{row.token_key[:8]}… of {row.user.get_username()}"

    @admin.display(description="team")
    def team(self, row: AuthToken) -> str:
        return row.grant.team.name if row.grant.team else "Own"

    @admin.display(description="may")
    def scopes(self, row: AuthToken) -> str:
        return (
            "All the user may"
            if row.grant.scopes is None
            else ", ".join(SCOPE_WORDS.get(scope, scope) for scope in row.grant.scopes)
        )

    @admin.display(description="last used")
    def last_used(self, row: AuthToken) -> str:
        return moment(row.grant.last_used_at) or "Never"

    @admin.display(description="expires")
    def expires(self, row: AuthToken) -> str:
        return day(row.expiry) or "Never"

    @admin.display(description="")
    def edit(self, row: AuthToken) -> str:
        change = reverse("admin:knox_authtoken_change", args=[row.token_key])
        revoke = reverse("admin:knox_authtoken_revoke", args=[row.token_key])
        return format_html('<a href="{}">Change</a> · <a href="{}">Revoke</a>', change, revoke)

    def get_urls(self) -> list[URLPattern]:
        """Django's pages for one row name it by its digest: there are none of them."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="knox_authtoken_changelist"),
            path("add/", view(self.add_page), name="knox_authtoken_add"),
            path("<str:token_key>/", view(self.change_page), name="knox_authtoken_change"),
            path("<str:token_key>/revoke/", view(self.revoke_page), name="knox_authtoken_revoke"),
        ]

    @requires_fresh
    def add_page(self, request: HttpRequest) -> HttpResponse:
        """Makes a token, and shows it once."""
        person = user_of(request)
        form = TokenForm(request.POST if request.method == "POST" else None, user=person)
        if form.is_valid():
            try:
                row, token = issue_token(user=person, by=person, **form.wanted())
            except (TokenRefused, TooManyTokens, NoSuchTeam) as error:
                form.refuse(error)
            else:
                answer = page(self, request, "admin/token.html", "New API token", token=token, name=row.grant.name)
                answer.headers["Cache-Control"] = "no-store"
                return answer
        return page(self, request, "admin/token.html", "New API token", form=dressed(form), button="Make token")

    @requires_fresh
    def change_page(self, request: HttpRequest, token_key: str) -> HttpResponse:
        """Changes her own token's name, scopes, addresses or life."""
        row = self._row(request, token_key)
        if row is None:
            return self._gone(request)
        if row.user_id != request.user.pk:
            raise PermissionDenied("Only its user changes a token. You may revoke it.")
        grant, person = row.grant, user_of(request)
        now = {"name": grant.name, "scopes": grant.scopes or [], "addresses": ", ".join(grant.addresses)}
        form = TokenForm(request.POST if request.method == "POST" else None, initial=now, user=person, new=False)
        if form.is_valid():
            changes = form.wanted()
            if changes["days"] is None:
                del changes["days"]
            try:
                change_token(token=row, by=person, changes=changes)
            except (TokenRefused, NoSuchTeam) as error:
                form.refuse(error)
            else:
                self.message_user(request, "Token saved.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:knox_authtoken_changelist"))
        return page(self, request, "admin/token.html", "API token", form=dressed(form), button="Save")

    @requires_fresh
    def revoke_page(self, request: HttpRequest, token_key: str) -> HttpResponse:
        """Asks, then revokes."""
        row = self._row(request, token_key)
        if row is None:
            return self._gone(request)
        if request.method == "POST" and confirmed(request):
            end_tokens(tokens=[row], by=user_of(request))
            self.message_user(request, f"Revoked {self.token(row)}.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:knox_authtoken_changelist"))
        lines = [
            f"{self.name(row)}: {self.token(row)}, expires {self.expires(row).lower()}.",
            "Programs that use it stop working at once.",
        ]
        return ask(self, request, [], title="Revoke an API token", lines=lines, button="Revoke")

    def _row(self, request: HttpRequest, token_key: str) -> AuthToken | None:
        rows = self.get_queryset(request).select_related("user", "grant__team")
        return rows.filter(token_key=token_key).first() if self.has_view_permission(request) else None

    def _gone(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, "There is no such token.", messages.WARNING)
        return HttpResponseRedirect(reverse("admin:knox_authtoken_changelist"))
