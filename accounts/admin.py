"""Users with their limits. What users have spent is added above, where money is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import UserChangeForm, UserCreationForm

from accounts.audit import record
from accounts.fresh import requires_fresh
from accounts.models import Membership, User
from accounts.profile import tokens
from accounts.selectors import user_of
from accounts.sign_in import sessions
from accounts.sign_in.new_password import NewPasswordForm, changed
from accounts.sign_in.notices import email_changed
from accounts.sign_in.proving import vouched
from accounts.sign_in.services import NothingToRemove, remove_factors, set_password
from accounts.teams.admin_page import LAST_MANAGER
from accounts.teams.members import InTeam, LastManager, NotInTeam, add_member, change_member, remove_member
from accounts.webhooks import page as webhooks_page  # noqa: F401  # registers its page
from common.admin import AsShown, Empty, Titled, ask, confirmed, dressed, page
from common.admin_extensions import Extensible
from common.admin_teams import SuperusersOnly

LIMITS = {"daily_lead_limit", "monthly_budget"}
TOLD = LIMITS | {"is_active", "is_staff", "is_superuser", "is_operator"}  # of these the audit has the values

if TYPE_CHECKING:
    Inline = admin.TabularInline[Membership, User]
else:
    Inline = TabularInline


class RoleInline(Inline):
    """What this person is in which team."""

    model = Membership
    form = AsShown
    fields = ("team", "role", "is_masked")
    verbose_name_plural = "Roles"
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The cells of a table have no labels of their own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            widget: Any = getattr(field.widget, "widget", field.widget)  # inside the one that adds its links
            widget.attrs["aria-label"] = str(field.label)
        return field


class PersonForm(AsShown, UserChangeForm):  # type: ignore[misc]
    pass


@admin.register(User)
class UserAdmin(Extensible, Titled, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    """Superusers only: a person who edits users may give themselves any permission.

    Users are switched off, never deleted: a million leads hang on one.
    """

    empty = Empty("Users are the people who work here.", "Add user", "accounts_user_add")
    form = PersonForm
    add_form = UserCreationForm
    readonly_fields: ClassVar[Any] = ("last_login", "date_joined")  # what happened is not typed
    list_display = ("username", "email", "roles", "is_operator", "is_active", "daily_lead_limit", "monthly_budget")
    list_filter = ("is_active", "is_operator", "is_superuser", "memberships__role")
    inlines = (RoleInline,)
    actions = ("sign_out",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_operator")}),
        ("Advanced", {"classes": ("collapse",), "fields": ("is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": (("last_login", "date_joined"),)}),
        ("Limits", {"fields": (("daily_lead_limit", "monthly_budget"),)}),
    )
    add_fieldsets = (
        *DjangoUserAdmin.add_fieldsets,
        ("Limits", {"fields": ("daily_lead_limit", "monthly_budget")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request).prefetch_related("memberships__team")
        return rows

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(f"{one.get_role_display()} ({one.team})" for one in user.memberships.all()) or "None"

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Roles are given once there is a person."""
        return super().get_inlines(request, obj) if obj else ()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        """Through the services, which write down who did it, and keep every team a manager."""
        by = user_of(request)
        formset.new_objects, formset.deleted_objects, formset.changed_objects = [], [], []
        for one in formset.forms:
            data = getattr(one, "cleaned_data", {})
            if not one.has_changed() or not data:
                continue
            user, team, wishes = form.instance, data["team"], {name: data[name] for name in ("role", "is_masked")}
            try:
                if data.get("DELETE"):
                    remove_member(team=team, user_id=user.pk, by=by)
                elif one.instance.pk:
                    change_member(team=team, user_id=user.pk, by=by, **wishes)
                else:
                    add_member(team=team, user=user, by=by, **wishes)
            except LastManager:
                self.message_user(request, f"{team}: {LAST_MANAGER}", messages.ERROR)
            except (InTeam, NotInTeam) as refusal:
                self.message_user(request, f"{team}: {refusal or 'not in this team any more.'}", messages.ERROR)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """With what the rooms above know of the limits."""
        fieldsets: Any = super().get_fieldsets(request, obj)
        if obj is None or not self.added_columns:
            return fieldsets
        *others, (title, limits) = fieldsets
        return [*others, (title, limits | {"fields": (*limits["fields"], tuple(self.added_columns))})]

    @requires_fresh
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, extra_context)

    @requires_fresh
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Of oneself this browser stays signed in."""
        here, by = request.session.session_key, user_of(request)
        ended = sum(sessions.end_all(user=user, by=by, but=here) for user in queryset)
        words = f"{ended} session{'s' * (ended != 1)} ended. API tokens still work."
        self.message_user(request, words, messages.SUCCESS)

    @requires_fresh
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Somebody else's; one's own needs the old one."""
        user = self._somebody(request, kwargs.get("id") or args[0])
        if user == request.user:
            return redirect("admin:password_change")
        form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
        if form.is_valid():
            ended = set_password(user=user, by=user_of(request), means="superuser", **form.chosen())
            self.message_user(request, f"{changed(ended)} {user} is signed out everywhere.", messages.SUCCESS)
            return redirect("admin:accounts_user_change", user.pk)
        title = f"New password for {user}"
        return page(self, request, "account/password.html", title, form=dressed(form), person=user)

    @requires_fresh
    def remove_factors_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """For somebody who has lost their phone."""
        user = self._somebody(request, object_id)
        back = reverse("admin:accounts_user_change", args=[user.pk])
        if user == request.user:
            self.message_user(request, "Your own are removed under Second factor and passkeys.", messages.ERROR)
            return redirect(back)
        if request.method == "POST" and confirmed(request):
            try:
                removed = ", ".join(remove_factors(user=user, by=user_of(request)))
            except NothingToRemove:
                self.message_user(request, f"{user} has no second factor.", messages.WARNING)
            else:
                self.message_user(request, f"Removed from {user}: {removed}.", messages.SUCCESS)
            return redirect(back)
        lines = [
            "Authenticator app, passkeys, recovery codes and the link to a sign-on provider are removed.",
            f"{user} is signed out everywhere and gets a mail. Be sure it is {user} who asks.",
        ]
        title = f"Remove the second factor of {user}"
        return ask(self, request, [], title=title, lines=lines, button="Remove", back=back)

    def _somebody(self, request: HttpRequest, object_id: str) -> User:
        user: User | None = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if user is None:
            raise Http404
        return user

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.remove_factors_page)
        urls: list[URLPattern] = super().get_urls()
        return [path("<path:object_id>/factors/", view, name="accounts_user_factors"), *urls]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """In the page's transaction: who gave whom which limits and rights. Of a name only that it is new."""
        new = form.cleaned_data
        if change:
            columns = {field.name for field in self.opts.local_fields}
            obj.save(update_fields=[name for name in form.changed_data if name in columns])
        else:
            super().save_model(request, obj, form, change)
        changed = [n for n in form.changed_data if n in new and not (n in TOLD and new[n] == form.initial.get(n))]
        for action, names in (("caps.changed", LIMITS), ("user.changed", set(changed) - LIMITS)):
            told = sorted(names.intersection(changed))
            if told:
                before = {name: form.initial.get(name) for name in told if name in TOLD}
                after = {name: new[name] for name in told if name in TOLD} | {"fields": told}
                record(action, by=user_of(request), about=obj, name=obj.username, before=before, after=after)
        if change and "email" in changed:
            vouched(obj)
            email_changed(user=obj, before=form.initial.get("email") or "", by=user_of(request))

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


# allauth's own lists: a person's factors and sessions are hers (accounts.sign_in), and secrets are nobody's to read.
for theirs in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)
admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(SuperusersOnly, Titled, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Sets of permissions. Superusers only: who edits one may give themselves any."""

    empty = Empty("Groups hold permissions that several users share.", "Add group", "auth_group_add")


__all__ = ["GroupAdmin", "UserAdmin", "tokens"]  # the last registers its page
