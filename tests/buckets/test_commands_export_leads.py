import csv
import io
import stat

import pytest

from buckets.models import Bucket
from buckets.services import create_bucket
from leads.models import Lead
from leads.selection.export import csv_pieces
from leads.selection.export_columns import NAMES, PRESETS
from leads.services import add_tag
from tests.command_line import assert_refused, run
from tests.support import contacts_told, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket() -> Bucket:
    made, _ = create_bucket(by=make_user(), name="Leads", property_ids=["11", "12", "13"])
    Lead.objects.filter(property_id="12").update(
        phone="+12065550100", enrichment_status="completed", property_state="WA", owner_name="=1+1"
    )
    Lead.objects.filter(property_id="13").update(property_state="OR", owner_name='Smith,\n"Jo"')
    return made


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.long
def test_stdout_has_the_columns_of_the_api_and_nothing_else(bucket):
    ran = run("export_leads", bucket.pk)

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.encode() == b"".join(piece for piece, _ in csv_pieces(Lead.objects.filter(bucket=bucket)))
    assert [(row["Property ID"], row["Phone"], row["Owner"]) for row in rows(ran.out)] == [
        ("11", "", ""),
        ("12", "+12065550100", "'=1+1"),
        ("13", "", 'Smith,\n"Jo"'),
    ]


def test_filters_choose_the_leads(bucket):
    ran = run("export_leads", bucket.pk, "--where", "enrichedOnly=true", "--where", "propertyState=wa")

    assert [row["Property ID"] for row in rows(ran.out)] == ["12"]


@pytest.mark.usefixtures("by_the_lead_alone")
@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (["hasPhone=0"], ["11", "13"]),
        (["hasPhone=YES"], ["12"]),
        (["doNotCall=false"], []),
        (["doNotCall=unknown"], ["12"]),
        (["contactable=no"], ["11", "13"]),
        (["propertyState=wa", "propertyState=OR"], ["12", "13"]),
        (["tag=1.10"], ["11"]),
    ],
)
def test_a_filter_is_read_as_the_api_reads_it(bucket, where, wanted):
    add_tag(leads=list(Lead.objects.filter(property_id="11")), name="1.10")

    ran = run("export_leads", bucket.pk, *(f"--where={one}" for one in where))

    assert (ran.status, ran.err) == (0, "")
    assert [row["Property ID"] for row in rows(ran.out)] == wanted


def test_a_file_replaces_the_older_one_is_for_its_owner_only_and_is_counted(bucket, tmp_path):
    file = tmp_path / "leads.csv"
    file.write_text("older")

    ran = run("export_leads", bucket.pk, "--user", "ann", "--output", file, "--json")

    assert (ran.status, ran.err) == (0, "")
    assert ran.json == {"bucketId": str(bucket.pk), "leads": 3, "file": str(file)}
    assert len(rows(file.read_text())) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["leads.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--where", "haunted=true"], "haunted: There is no such filter."),
        (["--where", "estimatedValueMin=much"], "estimatedValueMin: Enter a number."),
        (["--where", "hasPhone=maybe"], "hasPhone: Write a boolean: true or false (yes or no, 1 or 0)."),
        (["--where=vacant=true", "--where=vacant=false"], "vacant: Give it one value, not a list, and only once."),
        (["--where", "bedroomsMin=1_0"], "bedroomsMin: Enter a number."),
        (["--user=ann", "--user=bob"], "Error: argument --user: give it once"),
        (["--json"], "--json goes with --output: stdout is the file's."),
        (["--user", "bob"], "bob has no bucket BUCKET."),
        (["--user", "eve"], "There is no user 'eve': create_api_token eve makes one."),
    ],
)
def test_what_is_refused_writes_no_file(bucket, tmp_path, arguments, words):
    make_user("bob")
    file = tmp_path / "leads.csv"
    output = [] if "--json" in arguments else ["--output", file]

    assert_refused(run("export_leads", bucket.pk, *arguments, *output), words.replace("BUCKET", str(bucket.pk)))
    assert not file.exists()


def test_a_directory_that_is_not_there_is_one_line(bucket, tmp_path):
    file = tmp_path / "no" / "leads.csv"

    assert_refused(run("export_leads", bucket.pk, "--output", file), f"{file}: No such file or directory")


def test_columns_are_chosen_and_the_byte_order_mark_left_out(bucket):
    ran = run("export_leads", bucket.pk, "--columns", "propertyId, state", "--no-bom", "--where", "propertyState=WA")

    assert (ran.status, ran.out) == (0, "Property ID,State\n12,WA\n")
    refused = run("export_leads", bucket.pk, "--columns", "colour")
    names = f"{', '.join(NAMES)}; or {', '.join(PRESETS)}."
    assert_refused(refused, f"--columns: There is no column 'colour', only {names}")


@pytest.mark.parametrize(
    ("output", "arguments", "name", "kind"),
    [
        ("", [], "king-county.csv", b"\xef\xbb\xbfLead ID"),
        ("", ["--format", "xlsx"], "king-county.xlsx", b"PK"),
        ("a.XLSX", [], "a.XLSX", b"PK"),
        ("a.xlsx", ["--format", "csv", "--no-bom"], "a.xlsx", b"Lead ID"),
        ("a.txt", [], "a.txt", b"\xef\xbb\xbfLead ID"),
    ],
)
def test_the_file_s_name_and_format(bucket, tmp_path, output, arguments, name, kind):
    Bucket.objects.update(name="King County")

    ran = run("export_leads", bucket.pk, "--output", tmp_path / output, *arguments, "--json")

    assert (ran.status, ran.json) == (0, {"bucketId": str(bucket.pk), "leads": 3, "file": str(tmp_path / name)})
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(kind)


def test_a_workbook_is_not_written_to_stdout(bucket):
    refused = run("export_leads", bucket.pk, "--format", "xlsx")

    assert_refused(refused, "--format xlsx goes with --output: a workbook is no text for stdout.")
    assert contacts_told() == []
