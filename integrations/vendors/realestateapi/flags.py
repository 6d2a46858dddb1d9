"""PropertySearch's yes-or-no filters, read as every other boolean is: a flag that is not understood is refused.

The names are the fields that the vendor's OpenAPI calls boolean (reference/property-apis.json, PropertySearch), without
those that say what a request is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.values import booleans

FLAGS = frozenset(
    """
    absentee_owner adjustable_rate assumable attic auction basement breezeway carport cash_buyer corporate_owned death
    deck feature_balcony fire_sprinklers flood_zone foreclosure free_clear garage high_equity hoa in_state_owner
    individual_owned inherited investor_buyer judgment last_sale_arms_length mfh_2to4 mfh_5plus mls_active mls_cancelled
    mls_pending mls_sold negative_equity out_of_state_owner patio pool pre_foreclosure prior_owner_individual
    private_lender quit_claim reo rv_parking tax_lien trust_owned vacant
    """.split()  # noqa: SIM905
)


def with_flags(criteria: object) -> Any:
    """The criteria with their flags as booleans, also inside `and`, `or` and `exclude`. Raises ValueError by name."""
    if isinstance(criteria, list | tuple):
        return [with_flags(one) for one in criteria]
    if not isinstance(criteria, Mapping):
        return criteria
    return {name: _flag(name, value) if name in FLAGS else with_flags(value) for name, value in criteria.items()}


def _flag(name: str, value: object) -> bool:
    try:
        return booleans.read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
