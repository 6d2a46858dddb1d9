"""Whether a refusal is about the channel, which another channel gets around, or about the person. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.rules.facts import Decision

# Rules about the number or address, or about what this channel alone needs.
OF_CHANNEL: Final = frozenset(
    {"address_missing", "invalid_number", "number_kind", "bad_email", "registry", "scrub_age", "no_consent",
     "cold_closed"}
)  # fmt: skip
# Suppressions of one number or address, whatever their scope: her other ones are hers.
OF_ADDRESS: Final = frozenset({"hard_bounce", "soft_bounces", "wrong_number"})


def is_of_channel(decision: Decision) -> bool:
    """Whether everything that says no is about the channel: the rest of its steps is passed over, and the steps of
    other channels go on. A suppression is, where it is of this channel alone or of one address.
    """
    noes = [answer for answer in decision.answers if answer.verdict == "no"]
    return bool(noes) and all(
        answer.code in OF_CHANNEL
        or (
            answer.code == "suppressed"
            and all(row["scope"] != "any" or row["reason"] in OF_ADDRESS for row in answer.input["rows"])
        )
        for answer in noes
    )
