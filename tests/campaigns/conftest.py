from __future__ import annotations

from typing import Any

import pytest

from tests.campaigns.samples import NOON


@pytest.fixture(autouse=True)
def campaign_clock(settings: Any) -> None:
    """A Tuesday morning, when Boston may be texted; a carrier is set."""
    settings.CAMPAIGN_CLOCK = (NOON, 1)
    settings.SMS_VENDOR, settings.PUBLIC_URL = "twilio", "https://buckets.example.com"
    settings.VENDORS = settings.VENDORS | {
        "twilio": {"base_url": "http://127.0.0.1:9", "account": "AC1", "key": "test-twilio-key"}
    }
