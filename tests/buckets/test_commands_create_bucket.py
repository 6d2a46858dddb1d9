import pytest

from buckets.models import Bucket, Fill
from leads.models import Lead
from tests.command_line import assert_refused, run
from tests.support import billed, make_user


def make(*arguments: object, **how):
    return run("create_bucket", "My list", "--user", "ann", *arguments, **how)


@pytest.mark.django_db
def test_ids_come_from_stdin_one_a_line_and_twice_counts_once():
    ann = make_user()

    ran = make("--ids", "-", "--description", "From a friend", "--json", stdin="253175355\n\n 253175356 \n0253175355\n")

    bucket = Bucket.objects.get()
    assert (ran.status, ran.err) == (0, "")
    assert ran.json == {
        "bucket": {"id": str(bucket.pk), "name": "My list", "totalLeads": 2},
        "stats": {"inserted": 2, "total": 2},
    }
    assert (bucket.owner, bucket.description, bucket.total_leads) == (ann, "From a friend", 2)
    assert list(Lead.objects.order_by("pk").values_list("property_id", "owner_id")) == [
        ("253175355", ann.pk),
        ("253175356", ann.pk),
    ]


@pytest.mark.django_db
def test_ids_come_from_a_column_of_a_csv(tmp_path):
    make_user()
    file = tmp_path / "list.csv"
    file.write_text('\ufeffname, property_id\n"Smith, J.",11\n"x",\ny,12\n', encoding="utf-8")

    ran = make("--ids", file, "--column", "property_id")

    bucket = Bucket.objects.get()
    assert (ran.status, ran.out, ran.err) == (0, f"Bucket {bucket.pk}: 2 leads\n", "")
    assert list(Lead.objects.order_by("pk").values_list("property_id", flat=True)) == ["11", "12"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (b"11\n12;13\n", [], "FILE, line 2: '12;13' is not a property id."),
        (b"a,b\n1,2\n", ["--column", "c"], "FILE has no column 'c', but a, b."),
        (b"\n\n", [], "FILE has no property ids."),
        (b"", ["--column", "id"], "FILE has no column 'id', but nothing."),
        (b"\xff\xfe1\x00", [], "FILE is not UTF-8 text."),
        (b"id\n1\n\n2 3\n", ["--column", "id"], "FILE, line 4: '2 3' is not a property id."),
        (b"11\n1e3\n", [], "FILE, line 2: '1e3' is not a property id."),
        (b"9223372036854775808\n", [], "FILE, line 1: '9223372036854775808' is not a property id."),
    ],
)
def test_a_bad_file_makes_no_bucket(tmp_path, content, arguments, words):
    make_user()
    file = tmp_path / "list.csv"
    file.write_bytes(content)

    assert_refused(make("--ids", file, *arguments), words.replace("FILE", str(file)))
    assert not Bucket.objects.exists()


@pytest.mark.django_db
def test_a_file_that_is_not_there_makes_no_bucket(tmp_path):
    make_user()

    assert_refused(make("--ids", tmp_path / "none.csv"), f"{tmp_path}/none.csv: No such file or directory")
    assert not Bucket.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Say which leads: --where or --json-criteria for a search, or --ids FILE."),
        (
            ["--where", "state=WA", "--ids", "-"],
            "Say which leads: --where or --json-criteria for a search, or --ids FILE.",
        ),
        (["--where", "state=WA", "--limit", "0"], "--limit goes with a search and is at least 1."),
        (["--ids", "-", "--limit", "5"], "--limit goes with a search and is at least 1."),
        (["--where", "state=WA", "--column", "id"], "--column goes with --ids FILE."),
        (["--where", "county=King"], "A search by county also needs a state or zip."),
    ],
)
def test_what_cannot_be_meant_makes_no_bucket(arguments, words):
    make_user()

    assert_refused(make(*arguments, stdin="11\n"), words)
    assert not Bucket.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_name_has_1_to_200_characters(name):
    make_user()

    ran = run("create_bucket", name, "--user", "ann", "--ids", "-", stdin="11\n")

    assert_refused(ran, "A bucket's name has 1 to 200 characters.")
    assert not Bucket.objects.exists()


@pytest.mark.django_db
def test_somebody_who_does_not_exist_gets_no_bucket():
    assert_refused(make("--ids", "-", stdin="11\n"), "There is no user 'ann': create_api_token ann makes one.")
    assert not Bucket.objects.exists()


@pytest.mark.django_db
def test_a_search_is_left_to_a_worker():
    make_user()

    ran = make("--where", "state=WA", "--limit", 30)

    bucket, fill = Bucket.objects.get(), Fill.objects.get()
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"Bucket {bucket.pk}: 0 leads\nA worker saves the rest; bucket_status shows how far it is.\n"
    assert (bucket.filters, fill.criteria, fill.limit) == ({"state": "WA"}, {"state": "WA"}, 30)


@pytest.mark.django_db(transaction=True)
def test_without_a_worker_the_ids_are_saved_here(sandbox):
    make_user()
    state = sandbox.source.parcel(0).state
    expected = sum(sandbox.source.parcel(n).state == state for n in range(len(sandbox.source)))

    ran = make("--where", f"state={state}", "--here", "--json")

    bucket, fill = Bucket.objects.get(), Fill.objects.get()
    assert ran.status == 0
    assert ran.json == {
        "bucket": {"id": str(bucket.pk), "name": "My list", "totalLeads": expected},
        "stats": {"inserted": expected, "total": expected},
        "fill": {"id": str(fill.pk), "status": "completed", "found": expected, "saved": expected},
    }
    assert ran.err.splitlines()[-1] == f"Saving ids: {expected:,} of {expected:,}"
    assert billed(sandbox) == 0


@pytest.mark.django_db(transaction=True)
def test_a_search_the_vendor_refuses_ends_with_its_word_and_the_bucket(sandbox):
    make_user()

    ran = make("--where", "state=WA", "--where", "haunted=true", "--here")

    bucket = Bucket.objects.get()
    assert (ran.status, ran.out) == (1, "")
    last = ran.err.splitlines()[-1]
    assert last.startswith("CommandError: It stopped after 0 ids: INVALID_DATA: RealEstateAPI does not accept")
    assert last.endswith(f"Bucket {bucket.pk}.")


@pytest.mark.django_db(transaction=True)
def test_waiting_for_a_worker_that_is_not_there_says_so(monkeypatch):
    make_user()
    monkeypatch.setattr("buckets.management.base.NOBODY_AFTER", 0.1)

    ran = make("--where", "state=WA", "--wait")

    bucket = Bucket.objects.get()
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == (
        f"CommandError: No worker is running: bucket {bucket.pk} is made, its ids wait. Start a worker, or use --here."
    )
