"""The one way in with a name and a password: the desk, the API and "confirm it's you" all come by here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.sign_in import devices, limits
from common.client_address import client_address


class PasswordBackend(ModelBackend):
    """Django's, with every attempt counted. Raises SignInLocked, which Django's authenticate() lets through."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        if not username or password is None:
            return None
        username = User.normalize_username(username)
        user = User.objects.filter(username=username).first()
        attempt = limits.begin(
            name=username if user else username.lower(),  # nobody's: it may be spelled in a thousand ways
            address=client_address(request) if request else "",
            is_known_device=bool(request and user and devices.is_known(request, user)),
        )
        if user is None:
            User().set_password(password)  # as slow as for a name that there is
        elif user.check_password(password) and self.user_can_authenticate(user):
            limits.take_back(attempt)
            return user
        limits.failed(attempt)
        return None
