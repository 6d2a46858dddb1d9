"""Where on a map the place of a search is: the county's or the state's code, which the outlines go by."""

from __future__ import annotations

from typing import Any

from buckets.filling import criteria
from integrations.naming import counties, states


def spot_of(search: Any) -> dict[str, Any] | None:
    """{fips, kind} of the place that a search names: five digits of a county, two of a state; kind city or zip where
    the place itself is smaller than what its code says. None: it names none, or only ZIP codes without a state.
    """
    try:
        place = criteria.place(str(search.data.get("place", ""))[:500])
    except ValueError:
        return None
    state, county = place.get("state"), place.get("county")
    if county and (code := counties.fips(None, county, state)):
        return {"fips": code, "kind": "county"}
    kind = next((name for name in ("zip", "city", "county", "state") if name in place), None)
    code = states.FIPS.get(state) if state else None
    return {"fips": code, "kind": kind} if kind else None
