"""Passwords that people choose and programs guess first: no rule of composition, but no season with a year either."""

from __future__ import annotations

import re
from functools import cache

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from accounts.models import User

LONGEST = 128  # characters; longer ones only cost time
LEFT_LEAST = 6  # letters and digits that nobody guesses from lists
_WORDS = """
spring summer autumn fall winter january february march april may june july august september october november december
monday tuesday wednesday thursday friday saturday sunday jan feb mar apr jun jul aug sep sept oct nov dec
welcome password passwort passw0rd passwd admin administrator login letmein changeme secret default temporary temp test
hello iloveyou master monkey dragon football baseball superman batman princess sunshine shadow trustno company system
bucket buckets bucketsystem realestate property properties investor investors lead leads house houses home
team user guest
"""
WORDS = frozenset(_WORDS.split())
RUNS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1234567890", "abcdefghijklmnopqrstuvwxyz",
        "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik")  # fmt: skip
LEET = str.maketrans("013457@$!", "oleastasi")
GUESSED = (
    "This password is one that programs guess first: a common word, name or keyboard pattern with a year or digits."
)


class LongestPasswordValidator:
    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002  # Django's signature
        if len(password) > LONGEST:
            raise ValidationError(f"A password has at most {LONGEST} characters.", "password_too_long")

    def get_help_text(self) -> str:
        return f"At most {LONGEST} characters; any letters, spaces and signs."


class GuessedPasswordValidator:
    """Refuses what is left of too little once words, names, years, runs and repeats are taken out."""

    def validate(self, password: str, user: User | None = None) -> None:
        text = password.lower()[:LONGEST]
        spelled = re.sub(r"[013457@$!]+(?=[a-z])", lambda found: found[0].translate(LEET), text)  # p@ssw0rd
        names = _names_of(user)
        left = min(len(_left(re.sub(r"[\W_]+", "", form), names)) for form in (text, spelled))
        if left < LEFT_LEAST or {re.sub(r"[\W\d_]+", "", form) for form in (text, spelled)} & _common():
            raise ValidationError(GUESSED, "password_guessed")

    def get_help_text(self) -> str:
        return "No season, month, name or keyboard pattern with a year: several unrelated words are easy and strong."


def _names_of(user: User | None) -> list[str]:
    if user is None:
        return []
    given: list[str | None] = [
        user.get_username(),
        user.first_name,
        user.last_name,
        (user.email or "").partition("@")[0],
    ]
    return [part for name in filter(None, given) for part in re.split(r"[\W_]+", name.lower()) if len(part) > 2]


def _left(text: str, names: list[str]) -> str:
    words = sorted({*WORDS, *names}, key=len, reverse=True)
    text = re.sub("|".join(map(re.escape, words)), " ", text)
    text = re.sub(r"(?<!\d)(?:19|20)\d\d(?!\d)", " ", text)
    text = re.sub("|".join(_runs()), " ", text)
    text = re.sub(r"(.{1,20}?)\1{2,}", " ", text)
    return text.replace(" ", "")


@cache
def _runs() -> list[str]:
    """Every piece of a run of three and more, forwards and backwards, the longest first."""
    whole = [run for one in RUNS for run in (one, one[::-1])]
    pieces = {run[a:b] for run in whole for a in range(len(run)) for b in range(a + 3, len(run) + 1)}
    return sorted(pieces, key=len, reverse=True)


@cache
def _common() -> frozenset[str]:
    """Django's twenty thousand, those of five letters and more: with digits behind they are in every list too."""
    known: set[str] = CommonPasswordValidator().passwords
    return frozenset(word for word in known if len(word) > 4 and word.isalpha())
