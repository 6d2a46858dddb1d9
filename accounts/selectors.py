"""What is read about users and teams: who a request is from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import Team, User


def user_of(request: HttpRequest | Request) -> User:
    """The signed-in user. For what `admin_view`, or a permission of the API, has let nobody else into."""
    return cast(User, request.user)


def all_teams(most: int) -> Iterable[tuple[int, str]]:
    """Id and name of the first teams by name."""
    return Team.objects.order_by("name", "pk").values_list("pk", "name")[:most]
