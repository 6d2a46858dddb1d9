"""API tokens: made for a purpose, narrowed, ended. One may do what its user may, less what its grant leaves out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

from accounts.access import Scope, access_of, own_access
from accounts.audit import record
from accounts.locks import hold_tokens
from accounts.models import TokenGrant, User

NAME_MAX = 100  # characters
ADDRESSES_MAX = 20
DAYS_MAX = 3650  # ten years: longer is a slip of the finger
USED = timedelta(minutes=1)  # how exactly its last use is kept: a write a minute, not a write a request


class TokenRefused(Exception):
    """What was asked of a token cannot be. field: of the input, as the API names it."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class TooManyTokens(Exception):
    """The person, or her team, has as many tokens as there may be."""


def tokens_of(user: User) -> QuerySet[AuthToken]:
    """Her tokens that are not expired, the newest first, with their grants and teams."""
    alive = Q(expiry__isnull=True) | Q(expiry__gt=timezone.now())
    rows = AuthToken.objects.filter(alive, user=user, grant__isnull=False).select_related("grant__team", "user")
    ordered: QuerySet[AuthToken] = rows.order_by("-created", "token_key")
    return ordered


def issue_token(
    *,
    user: User,
    name: str,
    by: User | None = None,
    team_id: int | None = None,
    scopes: Iterable[str] | None = None,
    addresses: Iterable[str] = (),
    days: int | None = None,
) -> tuple[AuthToken, str]:
    """A new token and its text, which is shown once and kept only as a hash.

    team_id: None: her own team, else the first she joined, for good. scopes: None: whatever her role has, now and
    later. addresses: IP addresses or networks it works from; none: any. days: None: TOKEN_DAYS. by: who makes it; None:
    a command. Raises TokenRefused, TooManyTokens, NoSuchTeam.
    """
    hers = access_of(user, team_id) if team_id is not None else own_access(user)
    grant = TokenGrant(
        name=_named(name),
        team_id=team_id or (None if own_access(user, strictly=True).team else hers.team_id),
        scopes=_scopes(scopes, hers.scopes) if scopes is not None else None,
        addresses=_addresses(addresses),
    )
    with transaction.atomic():
        hold_tokens(user.pk)
        _check_room(user, hers.team_id)
        row, text = AuthToken.objects.create(user, expiry=_lifetime(days))
        grant.token = row
        grant.save(force_insert=True)
        record("token.created", by=by, team_id=hers.team_id, about=grant_object(row), name=grant.name, after=told(row))
    return row, text


def change_token(*, token: AuthToken, by: User, changes: Mapping[str, Any]) -> AuthToken:
    """Changes name, scopes, addresses or days (from now). Raises TokenRefused."""
    with transaction.atomic():
        hold_tokens(token.user_id)
        row = AuthToken.objects.select_related("grant__team", "user").get(pk=token.pk)
        before, grant = told(row), row.grant
        hers = access_of(row.user, grant.team_id) if grant.team_id is not None else own_access(row.user)
        if "name" in changes:
            grant.name = _named(changes["name"])
        if "scopes" in changes:
            grant.scopes = None if changes["scopes"] is None else _scopes(changes["scopes"], hers.scopes)
        if "addresses" in changes:
            grant.addresses = _addresses(changes["addresses"])
        grant.save(update_fields=["name", "scopes", "addresses"])
        if "days" in changes:
            row.expiry = timezone.now() + _lifetime(changes["days"])
            row.save(update_fields=["expiry"])
        record(
            "token.changed", by=by, team_id=hers.team_id, about=grant_object(row), name=grant.name,
            before=before, after=told(row),
        )  # fmt: skip
    return row


def end_tokens(*, tokens: Sequence[AuthToken], by: User | None, why: str = "") -> int:
    """Ends these tokens at once. Returns how many."""
    with transaction.atomic():
        for row in tokens:
            grant = getattr(row, "grant", None)
            name, team_id = (grant.name, grant.team_id) if grant else ("", None)
            after = {"why": why} if why else None
            record("token.revoked", by=by, team_id=team_id, about=grant_object(row), name=name, after=after)
        AuthToken.objects.filter(pk__in=[row.pk for row in tokens]).delete()
    return len(tokens)


def told(token: AuthToken) -> dict[str, Any]:
    """What the audit says of a token: never the token."""
    grant = token.grant
    return {
        "scopes": grant.scopes,
        "addresses": grant.addresses,
        "team": grant.team_id,
        "expires": token.expiry.isoformat() if token.expiry else None,
    }


def grant_object(token: AuthToken) -> AuthToken:
    """The token by its public beginning: its primary key is the digest that opens it."""
    return AuthToken(pk=token.token_key[:8])


def came_from(token: AuthToken, address: str) -> bool:
    """Whether a request from this address may use the token; notes the use. From here on `token.grant` is known."""
    if not hasattr(token, "grant"):  # made past `issue_token`
        token.grant, _ = TokenGrant.objects.get_or_create(pk=token.pk, defaults={"name": "Unnamed"})
    grant = token.grant
    if grant.addresses and not _is_among(address, grant.addresses):
        return False
    now = timezone.now()
    if grant.last_used_at is None or grant.last_used_at < now - USED:
        unused = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USED)
        TokenGrant.objects.filter(unused, pk=token.pk).update(last_used_at=now)
    return True


def _is_among(address: str, networks: Iterable[str]) -> bool:
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(asked, "ipv4_mapped", None) or asked
    return any(mapped in ipaddress.ip_network(network) for network in networks)


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX or "\x00" in name:
        raise TokenRefused("name", f"Give the token a name of at most {NAME_MAX} characters.")
    return name


def _scopes(asked: Iterable[str], may: frozenset[Scope]) -> list[str]:
    wanted = set(asked)
    unknown = sorted(wanted - set(Scope))
    if unknown:
        raise TokenRefused("scopes", f"There is no scope {unknown[0][:40]!r}: {', '.join(Scope)}.")
    if not wanted:
        raise TokenRefused("scopes", "Choose at least one.")
    beyond = sorted(wanted - may)
    if beyond:
        raise TokenRefused("scopes", f"Your role in this team does not have {', '.join(beyond)}.")
    return [scope.value for scope in Scope if scope in wanted]


def _addresses(asked: Iterable[str]) -> list[str]:
    found = []
    for text in asked:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            words = f"{text[:50]!r} is no IP address and no network, such as 203.0.113.7 or 203.0.113.0/24."
            raise TokenRefused("addresses", words) from None
    if len(found) > ADDRESSES_MAX:
        raise TokenRefused("addresses", f"Give at most {ADDRESSES_MAX}.")
    return list(dict.fromkeys(found))


def _lifetime(days: int | None) -> timedelta:
    if days is None:
        ttl: timedelta = knox_settings.TOKEN_TTL
        return ttl
    if not 1 <= days <= DAYS_MAX:
        raise TokenRefused("days", f"A token lives from 1 to {DAYS_MAX} days, not {days}.")
    return timedelta(days=days)


def _check_room(user: User, team_id: int | None) -> None:
    alive = Q(token__expiry__isnull=True) | Q(token__expiry__gt=timezone.now())
    if tokens_of(user).count() >= settings.TOKENS_A_PERSON:
        raise TooManyTokens(f"There may be {settings.TOKENS_A_PERSON} tokens a person: revoke one first.")
    own = Q(team_id__isnull=True, token__user__memberships__is_own=True, token__user__memberships__team_id=team_id)
    if TokenGrant.objects.filter(alive, Q(team_id=team_id) | own).distinct().count() >= settings.TOKENS_A_TEAM:
        raise TooManyTokens(f"There may be {settings.TOKENS_A_TEAM} tokens a team: revoke one first.")
