"""A question's address carries its rows, however many a page of a list has."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import RequestFactory

from common.asking import ASKED_AT_MOST, _address, packed, unpacked
from config.gunicorn import limit_request_line

ROOM = 1_000  # characters of the line that the list's own filters may take


def test_as_many_rows_as_a_page_has_fit_the_line_that_the_server_takes():
    ids = [str(uuid4()) for _ in range(ASKED_AT_MOST)]
    address = _address(RequestFactory().get("/admin/leads/lead/?view=all&size=200"), "status", ids)
    assert len(address) + ROOM < limit_request_line
    assert [str(one) for one in unpacked(address.rpartition("rows=")[2])] == ids


def test_few_rows_are_named_one_by_one():
    ids = [str(uuid4()), str(uuid4())]
    asked = _address(RequestFactory().get("/admin/leads/lead/"), "tag", ids)
    assert asked == f"/admin/leads/lead/?ask=tag&row={ids[0]}&row={ids[1]}"


def test_rows_that_are_no_uuids_are_named_one_by_one():
    assert packed(["1", "2"]) == ""


@pytest.mark.parametrize("text", ["é", "a", "AAAA", "A" * 23, "\x00", "=", "%%%%"])
def test_what_was_never_packed_is_refused(text: str):
    with pytest.raises(ValueError, match=r"ids|ASCII"):
        unpacked(text)
