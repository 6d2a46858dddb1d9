"""Sessions end by themselves, are listed to their owner, and are ended by her."""

from __future__ import annotations

import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import audit
from accounts.fresh import SIGNED_IN_AT
from accounts.models import User
from accounts.selectors import user_of

PENDING = "accounts.sign_in.pending"  # in the session: `mark` of who has given a password and not yet a code
SEEN_AT = "seen_at"  # in the session: seconds since 1970
FACTOR_BY_PROVIDER = "factor_by_provider"  # in the session: the OpenID Connect provider has seen a second factor
REFRESH = 60  # seconds between two writes of when a session was last seen
PROOFS = ("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn")  # pages "Confirm it's you"
PLACES = ("/admin/", "/api/")  # other addresses ask nobody who they are: /healthz answers while PostgreSQL is away


def mark(user: User) -> str:
    """What a sign-in that waits for its code holds. A new password, and the end of all sessions, make it another."""
    return salted_hmac(PENDING, f"{user.get_session_auth_hash()} {user.sign_outs}", algorithm="sha256").hexdigest()


def wait_for_code(request: HttpRequest, user: User) -> None:
    """The password, or what else comes first, was right."""
    request.session[PENDING] = mark(user)


def still_fits(request: HttpRequest, user: User) -> bool:
    """Whether the sign-in began with the password of now, and she has not signed out everywhere since."""
    return constant_time_compare(str(request.session.pop(PENDING, "")), mark(user))


def begin(request: HttpRequest, user: User) -> None:
    """A session that has just been signed in: its limits begin, and it stands in its owner's list."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = time.time()
    request.session[FACTOR_BY_PROVIDER] = getattr(request, FACTOR_BY_PROVIDER, False)
    renew(request)
    UserSession.objects.create_from_request(request, user=user)


def renew(request: HttpRequest) -> None:
    """The session goes on under a new key, also in its owner's list: she has just proved who she is."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def go_on_alone(request: HttpRequest, user: User) -> None:
    """Her password has changed here: this session goes on under a new key, and in her list; the others end."""
    before = request.session.session_key
    update_session_auth_hash(request, user)
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)
    end_all(user=user, by=user, but=request.session.session_key)


def end_all(*, user: User, by: User | None, but: str | None = None) -> int:
    """Ends a person's sessions at once, but for the one with this key, and sign-ins that wait for a code; returns how
    many sessions.
    """
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(sign_outs=F("sign_outs") + 1)  # a sign-in that waits for its code ends
        ended = 0
        for one in UserSession.objects.filter(user=user).exclude(session_key=but):
            SessionStore(one.session_key).delete()
            one.delete()
            ended += 1
        audit.record("session.ended", by=by, about=user, name=user.get_username(), after={"sessions": ended})
    return ended


def end_one(*, user: User, pk: int) -> bool:
    """Ends one of a person's own sessions; False where it is none of hers."""
    one = UserSession.objects.filter(user=user, pk=pk).first()
    if one is None:
        return False
    with transaction.atomic():
        SessionStore(one.session_key).delete()
        one.delete()
        audit.record("session.ended", by=user, about=user, name=user.get_username(), after={"sessions": 1})
    return True


def sessions_of(user: User) -> list[UserSession]:
    """Those that still work, the one seen last first."""
    return sorted(UserSession.objects.purge_and_list(user), key=lambda one: one.last_seen_at, reverse=True)


def forget_dead() -> int:
    """Deletes what is listed of sessions that have expired; returns how many."""
    alive = SessionStore.get_model_class().objects.filter(expire_date__gt=timezone.now())
    deleted, _ = UserSession.objects.exclude(session_key__in=alive.values("session_key")).delete()
    return int(deleted)


class Sessions(SessionMiddleware):
    """Django's takes away the cookie of a session that is no more. Not by the answer to a page that asks for news by
    itself: a proof in another tab has just renewed the key, and the cookie that it would take is the new one.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        answer = super().process_response(request, response)
        cookie = answer.cookies.get(settings.SESSION_COOKIE_NAME)
        if "HX-Request" in request.headers and cookie is not None and not cookie.value:
            del answer.cookies[settings.SESSION_COOKIE_NAME]
        return answer


class SessionLimits:
    """Signs out who has not been here for SESSION_IDLE_MINUTES, or signed in more than SESSION_ABSOLUTE_HOURS ago."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        if has_session and request.path.startswith(PLACES) and request.user.is_authenticated:
            self._look_at(request)
        answer = self.get_response(request)
        name = request.resolver_match.url_name if request.resolver_match else ""
        if name in PROOFS and request.method == "POST" and answer.status_code == 302 and request.user.is_authenticated:
            renew(request)
        return answer

    def _look_at(self, request: HttpRequest) -> None:
        session, now = request.session, time.time()
        began, seen = session.setdefault(SIGNED_IN_AT, now), session.get(SEEN_AT, now)
        if now - seen > settings.SESSION_IDLE_MINUTES * 60 or now - began > settings.SESSION_ABSOLUTE_HOURS * 3600:
            user = user_of(request)
            UserSession.objects.filter(session_key=session.session_key).delete()
            logout(request)
            audit.record("session.ended", by=user, about=user, name=user.get_username(), after={"sessions": 1})
            messages.info(request, "You were signed out because this session had expired. What was saved is saved.")
        elif SEEN_AT not in session or (now - seen > REFRESH and _is_hers(request)):
            session[SEEN_AT] = now
            UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())


def _is_hers(request: HttpRequest) -> bool:
    """Whether a person asked, and not a page that she left open and that looks for news by itself."""
    asks_itself = "HX-Request" in request.headers or "text/event-stream" in request.headers.get("Accept", "")
    return request.method != "GET" or not asks_itself
