import pytest

from buckets.models import Bucket, Import
from leads.models import Lead
from tests.buckets.imports.files import csv_of, homes
from tests.command_line import assert_refused, run
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)

WARNINGS = [
    "1 of 5 rows cannot be used: The address has no house number.",
    "1 row has a property that an earlier row names too: one lead is made.",
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(csv_of([*homes(3), homes(1)[0], ["Main St", "Elk", "CA", "95757", "", ""]]))
    return path


def bring(file, *arguments, bucket="My list", **how):
    return run("import_leads", file, "--user", "ann", "--bucket", bucket, *arguments, **how)


@pytest.mark.long
def test_a_new_name_makes_a_bucket_and_the_same_name_is_that_bucket(file, tmp_path):
    make_user()

    ran = bring(file, "--json", "--failed", tmp_path / "failed.csv")

    bucket, job = Bucket.objects.get(), Import.objects.get()
    assert ran.status == 0
    assert ran.json == {
        "bucket": {"id": str(bucket.pk), "name": "My list", "totalLeads": 3},
        "import": {
            "id": str(job.pk), "status": "completed", "read": 5, "new": 3, "alreadyThere": 1, "updated": 0,
            "skipped": 0, "failed": 1,
        },
        "warnings": WARNINGS,
    }  # fmt: skip
    assert (tmp_path / "failed.csv").read_text().splitlines()[1].startswith("6,The address has no house number,Main St")

    again = bring(file)
    assert again.out.splitlines() == [
        f"Bucket {bucket.pk}: 3 leads",
        f"Import {Import.objects.order_by('-pk')[0].pk}: 5 rows read = 0 new + 4 already there + 0 skipped + 1 failed",
        *WARNINGS,
        "4 rows are there already: choose Update to change them.",
    ]
    assert bring(file, bucket=str(bucket.pk)).status == 0
    assert Bucket.objects.count() == 1


def test_a_dry_run_looks_at_every_row_and_saves_nothing(file):
    make_user()

    ran = bring(file, "--dry-run", "--json")

    assert (ran.json["rows"], ran.json["usable"], ran.json["failed"]) == (5, 4, 1)
    assert ran.json["columns"]["ownerName"] == "Owner"
    assert "1 row has a property that an earlier row names too: one lead is made." in ran.json["warnings"]
    assert [model.objects.count() for model in (Bucket, Import, Lead)] == [0, 0, 0]


def test_columns_and_constants_are_said(tmp_path):
    make_user()
    file = tmp_path / "king.csv"
    file.write_text("id,price,Besitzer\n7129300520,221900,Ann\n")

    ran = bring(file, "--map", "apn=id", "--map", "ownerName=2", "--set", "fips=53033")

    assert ran.status == 0
    assert Lead.objects.values_list("property_id", "apn", "fips", "owner_name").get() == (
        "apn:53033:=7129300520", "7129300520", "53033", "Ann",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (b"", [], "FILE: It is empty."),
        (b'Address,Zip\n1 A St,"95757\n', [], "FILE: Line 2: a quote is opened there that is never closed."),
        (b"Foo,Bar\na,b\n", [], "mapping: Say which column holds the address"),
        (b"Address,Zip\n1 A St,95757\n", ["--map", "address"], "--map 'address': write it as field=value."),
        (b"Address,Zip\n1 A St,95757\n", ["--map", "address=Street"], "mapping.address: There is no column 'Street'"),
        (b"Address,Zip\n1 A St,95757\n", ["--set", "zap=1"], "constants.zap: This field cannot be"),
        (None, [], "FILE: No such file or directory"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_leaves_nothing(tmp_path, content, arguments, words):
    make_user()
    file = tmp_path / "list.csv"
    if content is not None:
        file.write_bytes(content)

    ran = bring(file, *arguments)

    assert (ran.status, ran.out, len(ran.err.splitlines())) == (1, "", 1)
    assert ran.err.startswith(f"CommandError: {words.replace('FILE', str(file))}")
    assert [model.objects.count() for model in (Bucket, Import, Lead)] == [0, 0, 0]


def test_somebody_elses_bucket_is_not_there(file):
    make_user()
    theirs = Bucket.objects.create(owner=make_user("bob"), name="Bob's")

    assert_refused(bring(file, bucket=str(theirs.pk)), f"ann has no bucket {theirs.pk}.")
    assert Lead.objects.count() == 0


@pytest.mark.long
def test_the_header_row_and_update_are_said(tmp_path):
    make_user()
    path = tmp_path / "list.csv"
    path.write_bytes(b"Foo,Bar\nx,y\nAddress,Zip,Owner\n1 A St,02134,Ann Doe\n")

    assert bring(path, "--header-row", "3", "--json").json["import"]["new"] == 1
    path.write_bytes(b"Foo,Bar\nx,y\nAddress,Zip,Owner\n1 A St,02134,Ann Roe\n")
    ran = bring(path, "--header-row", "3", "--dry-run", "--json").json
    assert (ran["headerRow"], ran["warnings"]) == (3, [*ran["warnings"][:-1], "1 row is there already: choose Update "
                                                       "to change them."])  # fmt: skip
    ran = bring(path, "--header-row", "3", "--update")
    assert "0 new + 1 already there (1 of them updated)" in ran.out
    assert Lead.objects.get().owner_name == "Ann Roe"
    assert_refused(bring(path, "--header-row", "9"), "--header-row: Row 9 is empty.")
