"""For which team an API request is, and whether it may do this there.

Django REST framework imports this while it is itself being imported, so nothing of `common.api` may be imported here.
"""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from knox.models import AuthToken
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.access import ALL, Access, NoSuchTeam, Scope, access_of, own_access
from accounts.fresh import ProofNeeded, is_fresh
from accounts.middleware import TEAM, page_access
from accounts.models import Membership, User

HEADER = "X-Team"
SAFE = ("GET", "HEAD")


class ByRole(BasePermission):
    """Sets `request.access`, and refuses what the role or the token's scopes do not have (403).

    A view says what it needs by `scopes`, {method: scope}; else GET needs read, all others write. A view with
    `teamless = True` is about the person herself: it needs a sign-in and no team. `for_callers`: the methods that are
    open to a caller, who sees the leads that are assigned to her and nothing beyond; none, where it is not said.
    `of_all_teams = True`: a superuser asks for all teams, unless X-Team or her token names one.
    `needs_proof`: the methods that a page's session, left open on a desk, may use only with a fresh proof, as on pages.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        may = self._about_herself(request, view) if getattr(view, "teamless", False) else self._in_team(request, view)
        is_session = not isinstance(request.auth, AuthToken)
        if is_session and request.method in getattr(view, "needs_proof", ()) and not is_fresh(request._request):  # noqa: SLF001
            raise ProofNeeded
        if may and is_session and request.method in SAFE and scope_needed(view, request.method) == Scope.BUY:
            _check_own_site(request)
        return may

    @staticmethod
    def _in_team(request: Request, view: Any) -> bool:
        found = (_everywhere(request) if getattr(view, "of_all_teams", False) else None) or access_of_request(request)
        request._request.access = found  # type: ignore[attr-defined]  # noqa: SLF001
        needed = scope_needed(view, str(request.method))
        method = "GET" if request.method in SAFE else request.method
        if found.only_assigned and method not in getattr(view, "for_callers", ()):
            raise PermissionDenied("A caller works the leads that are assigned to her, and sees nothing else.")
        if not found.can(needed):
            raise PermissionDenied(f"This needs the scope {str(needed)!r}, which this role or token does not have.")
        return True

    @staticmethod
    def _about_herself(request: Request, view: Any) -> bool:
        """A token made for less than its user may changes nothing of her account: by an e-mail one gets a password."""
        is_limited = isinstance(request.auth, AuthToken) and request.auth.grant.scopes is not None
        if not is_limited or request.method in SAFE or getattr(view, "ends_itself", False):
            return True
        raise PermissionDenied("A token that is limited to some scopes changes nothing of its user's account.")


def _everywhere(request: Request) -> Access | None:
    """A superuser's of no team in particular, as her token allows; None: another's, or a team is named."""
    user, grant = cast(User, request.user), getattr(request.auth, "grant", None)
    if not user.is_superuser or _asked(request) is not None or (grant is not None and grant.team_id is not None):
        return None
    scopes = ALL if grant is None or grant.scopes is None else frozenset(map(Scope, grant.scopes))
    return Access(user, None, scopes=scopes)


def _check_own_site(request: Request) -> None:
    """A GET that spends money, by a page's session: another site's link would have the cookie with it. Browsers say
    where a request comes from, wherever they speak https.
    """
    unsaid = "cross-site" if request.is_secure() else "none"
    if request.headers.get("Sec-Fetch-Site", unsaid) not in ("same-origin", "none"):
        raise PermissionDenied("Another site has sent you here. Ask with a token, or from a page of this one.")


def scope_needed(view: Any, method: str) -> Scope:
    """What a view's method needs."""
    named = getattr(view, "scopes", {})
    return Scope(named.get("GET" if method in SAFE else method, Scope.READ if method in SAFE else Scope.WRITE))


def access_of_request(request: Request) -> Access:
    """By X-Team, else the token's team, else the person's only one. A token of one team opens no other.

    Raises TeamRequired, NoSuchTeam (accounts.api.base answers them).
    """
    user, asked = cast(User, request.user), _asked(request)
    if not isinstance(request.auth, AuthToken):  # a page's session
        return access_of(user, asked) if asked is not None or TEAM not in request.session else page_access(request)
    grant = request.auth.grant  # `came_from` has seen to it that there is one
    members: list[Membership] = request.auth.members  # of this request's beginning
    if grant.team_id is None:
        own = own_access(user, scopes=grant.scopes, strictly=True, members=members)
        if asked not in (None, own.team_id):
            raise NoSuchTeam
        return own
    if asked not in (None, grant.team_id):
        raise NoSuchTeam
    try:
        return access_of(user, grant.team_id, scopes=grant.scopes, members=members)
    except NoSuchTeam:  # she has left it
        return Access(user, None)


def _asked(request: Request) -> int | None:
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise NoSuchTeam
    return int(given)
