"""Who is forgotten is stored again by no file and by nobody's words."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client

from buckets.imports import services
from buckets.models import Bucket, Import, ImportFailure
from buckets.services import create_bucket, edit_bucket
from leads.facts.typed import EditRefused
from leads.listing.saved_views import ViewRefused, save_view
from leads.models import Activity, Lead, SavedView, Tag
from leads.services import add_activity, create_tag, edit_lead, set_tags
from tests.buckets.imports.files import imported
from tests.leads.privacy.samples import forget
from tests.leads.samples import make_lead
from tests.support import make_user

pytestmark = pytest.mark.django_db
SEAN = {"name": "Sean O'Neil", "phone": "206-555-0150", "email": "sean.oneil@example.com"}
HEADER = "Address,City,State,Zip,Owner,Phone,Email,Mailing Address,Mailing City,Mailing State,Mailing Zip,Note\n"
OF_HIM = "Sean O'Neil,206-555-0150,sean.oneil@example.com,9 Birch Rd,Tucson,AZ,85702"
FILE = f"""{HEADER},,,,{OF_HIM},206/555/0150
1 Main St,Tucson,AZ,85701,{OF_HIM},Sean O'Neil prefers mornings
2 Main St,Tucson,AZ,85701,Ann Lee,206-555-0151,ann@example.com,3 Elm St,Tucson,AZ,85702,ok
,,,,Ann Lee,206-555-0151,ann@example.com,9 Birch Rd,Tucson,AZ,85702,206/555/0151
"""


def test_a_file_brings_nothing_of_him_in_rows_that_fail_in_its_preview_or_in_its_name() -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    forget(**SEAN)
    job = services.upload(bucket=bucket, file=BytesIO(FILE.encode()), name="sean 206-555-0150.csv")
    assert job.file_name == "sean [forgotten].csv"
    told = f"{services.examples(job)} {services.preview_of(job).shown()}"
    assert not any(word in told for word in ("555-0150", "555/0150", "+12065550150", "sean.oneil", "O'Neil"))
    assert "Ann Lee" in told and "+12065550151" in told
    imported(bucket, FILE.encode())
    his, hers = ImportFailure.objects.order_by("line").values_list("cells", flat=True)
    assert his == ["", "", "", "", "", "", "", "9 Birch Rd", "Tucson", "AZ", "85702", ""]
    assert hers[4:7] == ["Ann Lee", "206-555-0151", "ann@example.com"] and hers[11] == "206/555/0151"


def test_his_phone_goes_with_its_extension_and_the_other_takes_its_place_with_what_is_said_of_it() -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    forget(phone="206-555-0150")
    head = "Address,City,State,Zip,Owner,Phone,Phone 2,Tags\n"
    job = imported(
        bucket,
        f"""{head}1 Main St,Tucson,AZ,85701,Ann Lee,206-555-0150 ext 9,,"hot, +1 206 555 0150"
2 Main St,Tucson,AZ,85701,Ann Lee,206-555-0150 ext 9,206-555-0151 ext 7,
3 Main St,Tucson,AZ,85701,Ann Lee,206-555-0152 ext 8,206-555-0150 ext 9,
""".encode(),
    )
    assert (job.status, job.new) == ("completed", 3)
    leads = Lead.objects.order_by("pk").values_list("phone", "secondary_phone", "fact_sources__phone__extension")
    assert [*leads] == [(None, None, None), ("+12065550151", None, "7"), ("+12065550152", None, "8")]
    assert {*Tag.objects.values_list("name", flat=True)} == {"hot", "[forgotten]"}
    assert not Lead.objects.filter(fact_sources__secondary_phone__isnull=False).exists()


def test_the_names_of_columns_and_values_for_every_row_are_words_of_the_file_too() -> None:
    bucket = Bucket.objects.create(owner=make_user(), name="My list")
    forget(**SEAN)
    imported(bucket, b"Address,City,State,Zip,206 555 0150\n1 Main St,Tucson,AZ,85701,x\n")
    assert "[forgotten]" in Import.objects.get().columns


def test_nobody_types_him(client: Client) -> None:
    lead = make_lead()
    forget(**SEAN)
    add_activity(lead=lead, by=lead.owner, kind="note", text="Reach him at (206) 555 - 0150, $5")
    assert Activity.objects.get().text == "Reach him at [forgotten], $5"
    bucket, _ = create_bucket(
        by=lead.owner, name="206 555 0150", description="sean.oneil@example.com", filters={"q": "+12065550150"}
    )
    assert (bucket.name, bucket.description, bucket.filters) == ("[forgotten]", "[forgotten]", {"q": "[forgotten]"})
    edit_bucket(bucket=bucket, changes={"name": "x" * 87 + " 206-555-0150", "description": "303-555-0150"})
    bucket.refresh_from_db()
    most = Bucket._meta.get_field("name").max_length
    assert (bucket.name, bucket.description) == (("x" * 87 + " [forgotten]")[:most], "303-555-0150")
    edit_lead(lead=lead, by=lead.owner, changes={"owner_name": "call 206-555-0150 Bob", "mailing_city": "303-555-0150"})
    lead.refresh_from_db()
    assert (lead.owner_name, lead.mailing_city) == ("call [forgotten] Bob", "303-555-0150")
    with pytest.raises(EditRefused):
        edit_lead(lead=lead, by=lead.owner, changes={"phone": "+12065550150"})
    create_tag(by=lead.owner, name="ring 206 555 0150", color="#000000")
    set_tags(lead=lead, names=["206-555-0150 hot"])
    lead.owner.is_staff = True
    lead.owner.save()
    client.force_login(lead.owner)
    client.post("/admin/leads/tag/add/", {"name": "206-555-0150 b", "color": "#000000"})
    tags = Tag.objects.order_by("pk").values_list("name", flat=True)
    assert [*tags] == ["ring [forgotten]", "[forgotten] hot", "[forgotten] b"]
    for name, query in (("206-555-0150", "status=new"), ("Mine", "q=%28206%29+555-0150")):
        with pytest.raises(ViewRefused, match="asked to be forgotten"):
            save_view(by=lead.owner, name=name, query=query)
    assert not SavedView.objects.exists()
