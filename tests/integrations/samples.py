"""The vendors' own example bodies, where this tree has them beside it, and JSON of any shape."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "vendors" / "samples"

# Whole calls are simulated: a few dozen each keep the suite quick, and a busy machine must not fail it.
a_few = hypothesis_settings(max_examples=40, deadline=None)

# What no fact may hold, as a word of a key.
FORBIDDEN = {"ethnicity", "marital", "gender", "age", "occupation", "dob", "demographics", "jobs", "relationships"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["N", "Y", "0", "NaN", "1e9999999", "99999", "\x00", "\ud800", "5125550100", "a@example.com"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


def nested(*names: str) -> st.SearchStrategy[Any]:
    """Objects within objects and lists under the same names, so that a parser finds its way in."""
    return st.recursive(
        json_values,
        lambda inner: st.dictionaries(st.sampled_from(names), inner, max_size=6) | st.lists(inner, max_size=3),
        max_leaves=25,
    )


def sample_text(name: str) -> str:
    """A body as the vendor printed it. Skips the test where the samples are not there."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the vendor's sample {name} is not beside this tree")
    return path.read_text(encoding="utf-8")


def sample(name: str) -> Any:
    """A body as JSON."""
    return json.loads(sample_text(name))


def keys_of(value: Any) -> set[str]:
    """Every key of a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_of(inner)}
    if isinstance(value, list):
        return {key for inner in value for key in keys_of(inner)}
    return set()


def assert_keeps_no_trait(facts: Any) -> None:
    """Whether somebody is old, married or of some descent is nowhere in the facts: neither as a key nor as a word."""
    for key in keys_of(facts):
        assert not FORBIDDEN & {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", key)}, key
    words = json.dumps(facts)
    for word in ("Western European", "Married", "Management", "65 years", "1970-01-01", "Male"):
        assert word not in words
