"""Long arrays as one parameter of SQL."""

from __future__ import annotations

from uuid import uuid4

import pytest

from integrations.models import PropertyName
from leads.models import Lead
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db


def test_rows_are_found_by_one_of_many_ids() -> None:
    _, leads = make_leads(3)
    wanted = [leads[0].pk, leads[2].pk]
    assert set(Lead.objects.filter(pk__among=[*wanted, uuid4()]).values_list("pk", flat=True)) == set(wanted)
    assert not Lead.objects.filter(pk__among=[]).exists()


@pytest.mark.parametrize("name", ["address:1 MAIN ST@SEATTLE,WA", 'a "b" {c}', "a\\b", "null"])
def test_a_text_is_found_whatever_it_holds(name: str) -> None:
    PropertyName.objects.create(name=name, property_id="1")
    assert PropertyName.objects.filter(name__among=[name, "other"]).count() == 1
    assert not PropertyName.objects.filter(name__among=["address:1 MAIN ST@SEATTLE", "WA", "other"]).exists()


def test_many_values_are_one_parameter() -> None:
    query = Lead.objects.filter(pk__among=[uuid4() for _ in range(100)]).query
    assert len(query.sql_with_params()[1]) == 1
