"""Pages that were renamed are still found under their old addresses."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/admin/integrations/purse/", "/admin/integrations/budget/"),
        ("/admin/integrations/purse/?q=run%3A1", "/admin/integrations/budget/?q=run%3A1"),
        ("/admin/integrations/purse/user:1:2026-11/change/", "/admin/integrations/budget/user:1:2026-11/change/"),
        ("/admin/enrichment/lane/1/change/", "/admin/enrichment/pumplease/1/change/"),
    ],
)
def test_an_old_address_leads_to_the_new_one(old: str, new: str) -> None:
    answer = Client().get(old)
    assert (answer.status_code, answer["Location"]) == (302, new)
