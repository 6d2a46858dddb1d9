"""An import with bad rows, in a real browser: uploaded, its columns said, watched, its failed rows taken, undone."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from buckets.models import Import
from leads.models import Lead
from tests.buckets.imports.files import csv_of, homes, totals, work
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page

ADD = "/admin/buckets/import/add/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(login: Callable[[Any], None]) -> User:
    user = User.objects.create_user("ann", is_staff=True)
    login(user)
    return user


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_an_import_with_bad_rows(ann: User, page: Page, axe_check: Callable[[Page], None], tmp_path: Path):
    bad = [["No number street", "Elk Grove", "CA", "95757", "Bob", ""], ["", "", "", "", "", ""]]
    file = tmp_path / "My list.csv"
    file.write_bytes(csv_of([*homes(3), *homes(1), *bad]))
    page.goto(ADD)
    axe_check(page)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("Choose a file.").wait_for()
    axe_check(page)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload").click()

    page.get_by_role("heading", name="My list.csv").wait_for()
    axe_check(page)
    page.get_by_label("Address", exact=True).select_option("")
    page.get_by_text("nothing else names a property").wait_for()
    axe_check(page)
    page.get_by_label("Address", exact=True).select_option("0")
    page.get_by_label("County", exact=True).select_option("same")
    page.get_by_label("County of every row").fill("Sacramento")
    page.get_by_role("cell", name="Sacramento").first.wait_for()
    axe_check(page)
    assert not Lead.objects.exists()
    page.get_by_role("button", name="Import 4 rows").press("Enter")

    page.get_by_text("it starts within a few seconds").wait_for()
    axe_check(page)
    job = work(Import.objects.get())
    page.get_by_text("Completed", exact=True).wait_for()  # by itself, within two seconds
    axe_check(page)
    assert (job.bucket.name, totals(job)) == ("My list", (6, 3, 1, 1, 1))
    figures = page.locator("#import-progress dd").all_inner_texts()
    assert [int(figure) for figure in figures] == [6, 3, 1, 1, 1]
    assert set(Lead.objects.values_list("property_county", flat=True)) == {"Sacramento"}

    with page.expect_download() as coming:
        page.get_by_role("link", name="Download rows to fix (1)").click()
    with open(coming.value.path(), encoding="utf-8", newline="") as rows:
        assert [(row["Line"], row["Owner"]) for row in csv.DictReader(rows)] == [("6", "Bob")]

    page.get_by_role("link", name="Undo …").click()
    page.get_by_text("3 so far").wait_for()
    axe_check(page)
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_text("Being undone").wait_for()
    work(job)
    page.get_by_text("3 of the 3 leads it added were deleted; none was kept.").wait_for()
    axe_check(page)
    assert not Lead.objects.exists()


def test_a_file_too_large_is_told_before_it_is_sent(ann: User, page: Page, settings: Any, tmp_path: Path):
    settings.IMPORT_BYTES_MAX = 1024
    file = tmp_path / "large.csv"
    file.write_bytes(csv_of(homes(100)))
    page.goto(ADD)

    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload").click()

    page.get_by_text("This file is larger than 1.0").wait_for()
    assert page.url.endswith(ADD)
    assert not Import.objects.exists()
