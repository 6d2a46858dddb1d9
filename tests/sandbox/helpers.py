"""What the sandbox's tests share: a few parcels, clients with the right keys, and comparing an answer with a sample."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import Sandbox, SandboxConfig

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES = SHARED / "vendors" / "samples"
KING, SACRAMENTO = SHARED / "data" / "king_county_sales.csv", SHARED / "data" / "sacramento_transactions.csv"
KEYS = {
    "realestateapi": {"x-api-key": "sandbox-realestateapi-key"},
    "signalhouse": {"Authorization": "Bearer sandbox-signalhouse-key"},
    "apollo": {"x-api-key": "sandbox-apollo-key"},
}
PARCELS = """apn,address,city,state,zip,beds,baths,sqft,sqft_lot,yr_built,price,type,lat,long,sale_date
1000000001,10 ALDER ST,SEATTLE,WA,98103,3,2.25,1800,5000,1950,400000,Residential,47.67,-122.34,10/13/2014
1000000002,12 ALDER ST,SEATTLE,WA,98103,2,1.0,900,2500,1921,300000,Residential,47.671,-122.341,2/1/2015
1000000003,14 ALDER ST,SEATTLE,WA,98103,4,3,2600,6000,2005,800000,Residential,47.672,-122.342,3/1/2015
1000000004,7 BIRCH CT,SEATTLE,WA,98117,0,0,0,7000,,90000,Land,47.69,-122.38,4/1/2015
1000000005,9 BIRCH CT,SEATTLE,WA,98117,6,4,4000,9000,1999,1200000,Multi-Family,47.691,-122.381,5/1/2015
1000000006,,KENT,WA,98030,3,1.75,1500,8000,1980,250000,Residential,47.36,-122.19,6/1/2014
,3526 HIGH ST,SACRAMENTO,CA,95838,2,1,836,,,59222,Residential,38.63,-121.43,Wed May 21 00:00:00 EDT 2008
,51 OMAHA CT,SACRAMENTO,CA,95823,3,1,1167,,,68212,Condo,38.47,-121.43,Wed May 21 00:00:00 EDT 2008
"""


class Client:
    """A vendor of a running sandbox, asked with its key unless `headers` say otherwise."""

    def __init__(self, sandbox: Sandbox, vendor: str, session: requests.Session) -> None:
        self.url, self.key, self.session = sandbox.vendor_urls[vendor], KEYS[vendor], session

    def post(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> requests.Response:
        """POST JSON; at most 5 s."""
        headers = self.key if headers is None else headers
        return self.session.post(self.url + path, json=body, headers=headers, timeout=60, **kwargs)

    def get(self, path: str, headers: dict[str, str] | None = None) -> requests.Response:
        """GET; at most 5 s."""
        return self.session.get(self.url + path, headers=self.key if headers is None else headers, timeout=60)


@contextmanager
def running(**config: Any) -> Iterator[tuple[Sandbox, requests.Session]]:
    """A sandbox and a session to ask it with; both closed in the end."""
    with Sandbox(SandboxConfig(**config)) as sandbox, requests.Session() as session:
        yield sandbox, session


def ledger(sandbox: Sandbox, session: requests.Session, query: str = "") -> Any:
    """The sandbox's ledger."""
    return session.get(f"{sandbox.base_url}/sandbox/ledger{query}", timeout=60).json()


def sample(name: str) -> Any:
    """A vendor sample, or the test is skipped."""
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip("the vendors' samples are not here (../shared/vendors/samples)")
    return json.loads(path.read_text())


def differences(wanted: Any, got: Any, optional: frozenset[str] = frozenset(), path: str = "") -> list[str]:
    """Where an answer departs from a sample: keys missing (unless optional) and other JSON types (null fits any)."""
    if wanted is None or got is None or path == ".input":  # the echo of another request
        return []
    if isinstance(wanted, dict) and isinstance(got, dict):
        missing = [f"{path}.{key} missing" for key in wanted if key not in got and f"{path}.{key}" not in optional]
        both = [differences(wanted[key], got[key], optional, f"{path}.{key}") for key in wanted if key in got]
        return missing + [line for lines in both for line in lines]
    if isinstance(wanted, list) and isinstance(got, list):
        return differences(wanted[0], got[0], optional, f"{path}[]") if wanted and got else []
    kinds = [
        bool if isinstance(one, bool) else float if isinstance(one, int | float) else type(one) for one in (wanted, got)
    ]
    return [] if kinds[0] is kinds[1] else [f"{path}: {kinds[0].__name__} in the sample, {kinds[1].__name__} here"]
