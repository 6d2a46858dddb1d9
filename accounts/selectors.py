"""What is read about users: who a request is from."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


def user_of(request: HttpRequest | Request) -> User:
    """The signed-in user. For what `admin_view`, or a permission of the API, has let nobody else into."""
    return cast(User, request.user)
