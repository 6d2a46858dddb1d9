"""One's own name, e-mail and time zone."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest

from accounts.audit import record
from accounts.models import Membership, User, check_time_zone
from accounts.sign_in import notices, proving


def set_time_zone(*, user: User, time_zone: str) -> None:
    """By whose clock this user's pages and new schedules go. Raises ValidationError for a name that is no zone."""
    check_time_zone(time_zone)
    User.objects.filter(pk=user.pk).update(time_zone=time_zone, time_zone_settled=True)


def take_browser_zone(*, user: User, time_zone: str) -> bool:
    """The browser's zone at first sign-in; False where one was chosen meanwhile. Raises ValidationError."""
    check_time_zone(time_zone)
    waiting = User.objects.filter(pk=user.pk, time_zone_settled=False, time_zone="UTC")
    return bool(waiting.update(time_zone=time_zone, time_zone_settled=True))


def hide_first_steps(*, user: User, team_id: int | None) -> None:
    """She has put the first steps on Home away, in this team. The same again changes nothing."""
    Membership.objects.filter(team=team_id, user=user).update(hides_steps=True)


def change_profile(*, user: User, changes: Mapping[str, str]) -> User:
    """Changes one's own first_name, last_name, email and time_zone. Raises ValidationError by field."""
    with transaction.atomic():
        person = User.objects.get(pk=user.pk)
        before = person.email
        for name, value in changes.items():
            setattr(person, name, value)
        person.clean_fields(exclude={field.name for field in User._meta.fields} - set(changes))
        person.time_zone_settled |= "time_zone" in changes
        person.save(update_fields=[*changes, "time_zone_settled"])
        if person.email != before:
            record("user.changed", by=user, about=person, name=person.get_username(), after={"fields": ["email"]})
            proving.typed(person, before=before)
            notices.email_changed(user=person, before=before, by=user)
    return person


def ask_for_proof(*, request: HttpRequest, user: User) -> str:
    """Mails the link where her e-mail waits for it. Returns what to tell her; empty: nothing."""
    if not user.email or proving.is_proved(user):
        return ""
    try:
        proving.send_link(request=request, user=user)
    except proving.NotSent as trouble:
        return f"Your e-mail is not confirmed yet. {trouble}"
    return f"A link was mailed to {user.email}: press it to confirm that this e-mail is yours."


class PasswordNeeded(Exception):
    """A new e-mail is taken with the person's password alone: a forgotten one is replaced by a mail to it.

    is_wrong: one was given, and is wrong.
    """

    def __init__(self, *, is_wrong: bool) -> None:
        super().__init__()
        self.is_wrong = is_wrong


def change_profile_by_api(
    *, request: HttpRequest, user: User, changes: Mapping[str, str], password: str | None
) -> User:
    """The same, by a program. Raises PasswordNeeded and SignInLocked where the e-mail is a new one."""
    is_moved = changes.get("email", user.email) != user.email
    if is_moved and password is None:
        raise PasswordNeeded(is_wrong=False)
    if is_moved and authenticate(request, username=user.get_username(), password=password) is None:
        raise PasswordNeeded(is_wrong=True)
    person = change_profile(user=user, changes=changes)
    if is_moved:
        ask_for_proof(request=request, user=person)
    return person
