"""Invitations into a team, by a link that is mailed: it works once, for a week; its digest alone is stored."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import audit
from accounts.access import ALL, Access, NotAllowed, Scope, scopes_of
from accounts.locks import lock_invitations
from accounts.models import Invitation, Membership, Role, Team, User
from accounts.sign_in.proving import is_proved, people_with

log = logging.getLogger(__name__)
LIVES = timedelta(days=7)


class InvitationRefused(Exception):
    """field: which input is at fault; empty: none."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class InvitationOver(Exception):
    """The link was used, revoked or is older than a week, or there never was one: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("This invitation no longer works. Ask whoever invited you for a new one.")


class MailNotSent(Exception):
    """No mail server is set up, or it refused."""


def invitations_of(access: Access) -> QuerySet[Invitation]:
    """Those of the team that nobody has accepted yet, the latest first."""
    return Invitation.objects.filter(team=access.team, accepted_at=None).select_related("by").order_by("-pk")


def invite(
    *, access: Access, email: str, role: str, is_masked: bool = False, base_url: str = "", mail: bool = True
) -> tuple[Invitation, str]:
    """Asks somebody into the team; a second invitation takes the first one's place. Returns it and its secret.

    base_url: of this installation, such as https://buckets.example.com. mail: whether the link is sent, after the
    commit, so never in a caller's transaction; MailNotSent leaves no invitation. Raises NotAllowed, InvitationRefused.
    """
    with transaction.atomic(durable=True):
        made, secret = _invite(access, email, role, is_masked=is_masked, mail=mail)
    if mail:
        _send(made, f"{base_url.rstrip('/')}/join/{secret}/")
    return made, secret


def _invite(access: Access, email: str, role: str, *, is_masked: bool, mail: bool) -> tuple[Invitation, str]:
    team = access.team
    if team is None or not access.can(Scope.MANAGE):
        raise NotAllowed("Only a manager of the team invites people.")
    _check(team, email, role)
    access.check_gives(scopes_of(role, is_masked=is_masked))
    if mail and not settings.MAIL_IS_SET_UP:
        raise MailNotSent("No mail server is set up here: an administrator sets EMAIL_URL.")
    secret = secrets.token_urlsafe(32)
    Invitation.objects.filter(team=team, email__iexact=email, accepted_at=None).delete()
    made = Invitation.objects.create(
        team=team,
        email=email,
        role=role,
        is_masked=is_masked,
        by=access.user,
        digest=_digest(secret),
        expires_at=timezone.now() + LIVES,
    )
    after = {"role": role, "is_masked": is_masked}
    audit.record("invitation.sent", by=access.user, team_id=team.pk, about=made, after=after)
    return made, secret


def _check(team: Team, email: str, role: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise InvitationRefused("Enter an e-mail address.", "email") from None
    if role not in Role.values:
        raise InvitationRefused(f"Choose one of {', '.join(Role.values)}.", "role")
    if Membership.objects.filter(team=team, user__in=people_with(email).values("pk")).exists():
        raise InvitationRefused("Somebody with this e-mail is in the team already.", "email")


def _send(invitation: Invitation, link: str, *, new_team: bool = False) -> None:
    """Raises MailNotSent; then there is no invitation either, nor the team that was made for it."""
    words = render_to_string("account/email/invitation.txt", {"invitation": invitation, "link": link})
    subject = f"Join {invitation.team.name} on Bucket System"
    try:
        send_mail(" ".join(subject.split()), words, None, [invitation.email])
    except (OSError, SMTPException) as error:
        log.error("An invitation could not be mailed: %s", type(error).__name__)
        _take_back(invitation, new_team=new_team)
        raise MailNotSent("The mail server did not take the invitation; nothing was sent. Try again later.") from error


def _take_back(invitation: Invitation, *, new_team: bool) -> None:
    team, by = invitation.team, invitation.by
    with transaction.atomic():
        audit.record("invitation.revoked", by=by, team_id=team.pk, about=invitation)
        invitation.delete()
        if new_team and not team.memberships.exists():  # nobody came into it by another way meanwhile
            audit.record("team.deleted", by=by, team_id=team.pk, about=team, name=team.name)
            team.delete()


def make_team(*, by: User, name: str) -> Access:
    """A new team without anybody in it, for a superuser to invite its first people into."""
    if not by.is_superuser:
        raise NotAllowed("Only a superuser makes teams.")
    if not name.strip():
        raise InvitationRefused("Enter the team’s name.", "team")
    with transaction.atomic():
        team = Team.objects.create(name=name.strip()[:100])
        audit.record("team.created", by=by, team_id=team.pk, about=team, name=team.name)
    return Access(by, team, Role.MANAGER, ALL)


def invite_into_new_team(
    *, by: User, name: str, email: str, role: str, is_masked: bool = False, base_url: str = "", mail: bool = True
) -> tuple[Invitation, str]:
    """Makes a team and asks its first person into it, or does neither. As `invite`; raises what `make_team` raises too.

    A process that is killed before the mail leaves a team with an invitation that nobody got: invite again.
    """
    with transaction.atomic(durable=True):
        made, secret = _invite(make_team(by=by, name=name), email, role, is_masked=is_masked, mail=mail)
    if mail:
        _send(made, f"{base_url.rstrip('/')}/join/{secret}/", new_team=True)
    return made, secret


def revoke(*, access: Access, invitation: Invitation) -> None:
    """Its link works no more. Raises NotAllowed."""
    if not access.can_in(invitation.team_id, Scope.MANAGE):
        raise NotAllowed("Only a manager of the team revokes invitations.")
    with transaction.atomic():
        audit.record("invitation.revoked", by=access.user, team_id=invitation.team_id, about=invitation)
        invitation.delete()


def open_invitation(secret: str) -> Invitation:
    """The one this link is for. Raises InvitationOver."""
    return _open(Invitation.objects.select_related("team", "by"), secret)


def _open(rows: QuerySet[Invitation], secret: str) -> Invitation:
    found = rows.filter(digest=_digest(secret), accepted_at=None, expires_at__gt=timezone.now()).first()
    if found is None:
        raise InvitationOver
    return found


def accept(*, secret: str, user: User) -> Membership:
    """Joins somebody who is signed in. Raises InvitationOver; InvitationRefused where it was sent to another e-mail
    than hers, or to one that nothing but her own word says is hers.
    """
    with transaction.atomic():
        invitation = _open(lock_invitations(), secret)
        if (user.email or "").lower() != invitation.email.lower():
            raise InvitationRefused("This invitation was sent to another e-mail than yours.")
        if not is_proved(user):
            raise InvitationRefused("Your e-mail is not confirmed yet: press the link that was mailed to you.")
        return _join(invitation, user)


def accept_as_new(*, secret: str, username: str, password: str, first_name: str = "", last_name: str = "") -> User:
    """Joins somebody who has no account yet, and makes it: she has no team of her own.

    Raises InvitationOver; ValidationError by field.
    """
    with transaction.atomic():
        invitation = _open(lock_invitations(), secret)
        user = User(
            username=User.normalize_username(username),
            email=invitation.email,
            first_name=first_name,
            last_name=last_name,
            is_staff=True,
        )
        user.full_clean(exclude=["password"])
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise ValidationError({"password": error.messages}) from None
        user.set_password(password)
        user.save()
        _join(invitation, user)
    return user


def _join(invitation: Invitation, user: User) -> Membership:
    member, is_new = Membership.objects.get_or_create(
        team_id=invitation.team_id, user=user, defaults={"role": invitation.role, "is_masked": invitation.is_masked}
    )
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by", "updated_at"])
    name, after = user.get_username(), {"user": user.pk, "role": member.role, "is_masked": member.is_masked}
    audit.record("invitation.accepted", by=user, team_id=invitation.team_id, about=invitation, name=name)
    if is_new:
        audit.record("member.added", by=user, team_id=invitation.team_id, about=user, name=name, after=after)
    return member


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
