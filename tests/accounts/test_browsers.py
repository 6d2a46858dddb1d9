"""Where somebody is signed in, in words."""

from __future__ import annotations

import pytest

from accounts.sign_in.browsers import browser_of

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (WINDOWS, "Chrome on Windows"),
        (f"{WINDOWS} Edg/150.0.0.0", "Edge on Windows"),
        (IPHONE, "Safari on iPhone"),
        ("python-requests/2.34", "python-requests/2.34"),
        ("", "Unknown"),
    ],
)
def test_a_browser_is_named_as_people_do(user_agent: str, words: str) -> None:
    assert browser_of(user_agent) == words
