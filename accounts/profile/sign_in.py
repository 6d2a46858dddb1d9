"""The sign-in form. It says no more than it must: which of name and password was wrong helps nobody but a stranger."""

from __future__ import annotations

from typing import ClassVar

from unfold.forms import AuthenticationForm

WRONG = "Wrong name or password."


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Unfold's, in our words: a person who may not enter here is told the same."""

    error_messages: ClassVar[dict[str, str]] = {
        **AuthenticationForm.error_messages,
        "invalid_login": WRONG,
        "inactive": WRONG,
    }
