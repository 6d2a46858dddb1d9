"""Users with their limits, and API tokens. What users have spent is added above, where money is known."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from knox.models import AuthToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import User
from accounts.services import revoke_token
from common.admin import Empty, OwnedAdmin, Titled, ask, called, confirmed
from common.admin_extensions import Extensible
from common.dates import day


@admin.register(User)
class UserAdmin(Extensible, Titled, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    """Superusers only: a person who edits users may give themselves any permission.

    Users are switched off, never deleted: a million leads hang on one.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    readonly_fields: ClassVar[Any] = ("last_login", "date_joined")  # what happened is not typed
    list_display = ("username", "email", "is_active", "is_staff", "daily_lead_limit", "monthly_budget")
    fieldsets = (
        *DjangoUserAdmin.fieldsets,  # type: ignore[misc]
        ("Limits", {"fields": (("daily_lead_limit", "monthly_budget"),)}),
    )
    add_fieldsets = (
        *DjangoUserAdmin.add_fieldsets,
        ("Limits", {"fields": ("daily_lead_limit", "monthly_budget")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """With what the rooms above know of the limits."""
        fieldsets: Any = super().get_fieldsets(request, obj)
        if obj is None or not self.added_columns:
            return fieldsets
        *others, (title, limits) = fieldsets
        return [*others, (title, limits | {"fields": (*limits["fields"], tuple(self.added_columns))})]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser and request.user.is_active

    def has_view_permission(self, request: HttpRequest, *_: object, **__: object) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, _obj: User | None = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, _request: HttpRequest, _obj: User | None = None) -> bool:
        return False


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(Titled, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Sets of permissions."""

    empty = Empty("Groups hold permissions that several users share.", "Add group", "auth_group_add")


admin.site.unregister(AuthToken)
called(AuthToken, "API token", "API tokens")


@admin.register(AuthToken)
class TokenAdmin(OwnedAdmin):
    """A token is seen by its beginning and can be revoked. Its digest is its key, so pages go by the beginning."""

    owner = "user"
    empty = Empty(
        "API tokens let programs work in your name. An administrator makes one with manage.py create_api_token."
    )
    list_display = ("token", "user", "created", "expiry", "revoke")
    list_display_links = None
    list_select_related = ("user",)
    search_fields = ("user__username",)
    ordering: ClassVar[Any] = ("-created",)
    actions = None

    @admin.display(description="token")
    def token(self, row: AuthToken) -> str:
        return f"{row.token_key[:8]}…"

    @admin.display(description="")
    def revoke(self, row: AuthToken) -> str:
        address = reverse("admin:knox_authtoken_change", args=[row.token_key])
        return format_html('<a href="{}">Revoke</a>', address)

    def get_urls(self) -> list[URLPattern]:
        """Django's pages for one row name it by its digest: there are none of them."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="knox_authtoken_changelist"),
            path("<str:token_key>/", view(self.revoke_view), name="knox_authtoken_change"),
        ]

    def revoke_view(self, request: HttpRequest, token_key: str) -> HttpResponse:
        """Asks, then revokes."""
        rows: QuerySet[Any] = self.get_queryset(request)
        row = rows.filter(token_key=token_key).first() if self.has_view_permission(request) else None
        back = HttpResponseRedirect(reverse("admin:knox_authtoken_changelist"))
        if row is None:
            self.message_user(request, "There is no such token.", messages.WARNING)
            return back
        if request.method == "POST" and confirmed(request):
            revoke_token(token=row)
            self.message_user(request, f"Revoked {self.token(row)} of {row.user.get_username()}.", messages.SUCCESS)
            return back
        expires = day(row.expiry) or "never"
        lines = [
            f"{self.token(row)} of {row.user.get_username()}, expires {expires}.",
            "Programs that use it stop working at once.",
        ]
        return ask(self, request, [], title="Revoke an API token", lines=lines, button="Revoke")
