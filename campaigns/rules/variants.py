"""Which of several texts a person gets: drawn by a seeded hash, so the same each time it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256


def draw(seed: str, key: str, weights: Mapping[str, int]) -> str:
    """The variant's name. key: what tells the person, of the owner or the number (a digest in hex); weights: percent by
    name, which sum to 100. Raises ValueError where they do not.
    """
    if sum(weights.values()) != 100 or min(weights.values()) < 0:
        raise ValueError("Weights of a step sum to 100.")
    drawn = int.from_bytes(sha256(f"{seed}:{key}".encode()).digest()[:8], "big") * 100 >> 64  # 0 to 99
    name = ""
    for name in sorted(weights):
        drawn -= weights[name]
        if drawn < 0:
            break
    return name
