"""Who may see how a person is reached, and what everybody else sees of it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from rest_framework.request import Request

MAY_SEE = "leads.view_contact_details"
DOTS = "••••"
MASKED = ("phone", "secondary_phone", "email")  # the names these facts go by, on a lead and in an answer


def may_see_contacts(user: AbstractUser | AnonymousUser) -> bool:
    """Whether this person may see phones and e-mails in full. Superusers may."""
    return bool(user.is_active and user.has_perm(MAY_SEE))


def comes_with_token(request: Request) -> bool:
    """Whether an API request carries a token that sees all: an operator handed it to a program.

    Not that of staff who may not see contacts: they could ask for one by their own password.
    """
    return request.auth is not None and (not request.user.is_staff or may_see_contacts(request.user))


def masked_phone(phone: str) -> str:
    """The last four digits: enough to tell two numbers of one person apart, too few to call."""
    return f"{DOTS} {phone[-4:]}"


def masked_email(email: str) -> str:
    """The first letter and the domain."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}{DOTS}{at}{domain}"


def masked(name: str, value: object) -> Any:
    """A fact as who may not see contacts sees it: phones and e-mails behind dots, everything else as it is."""
    if not value or name not in MASKED:
        return value
    return masked_email(str(value)) if name == "email" else masked_phone(str(value))
