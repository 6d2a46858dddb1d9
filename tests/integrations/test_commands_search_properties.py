import pytest

from integrations.models import VendorCall
from tests.command_line import assert_refused, run
from tests.support import billed, make_user, some_ids

pytestmark = pytest.mark.django_db


def find(*arguments: object):
    return run("search_properties", "--user", "ann", *arguments)


def test_a_search_is_counted_for_nothing(sandbox):
    ann = make_user()
    state = sandbox.source.parcel(0).state

    ran = find("--where", f"state={state}", "--json")

    expected = sum(sandbox.source.parcel(n).state == state for n in range(len(sandbox.source)))
    assert (ran.status, ran.err) == (0, "")
    assert ran.json == {"criteria": {"state": state}, "count": expected, "ids": []}
    assert billed(sandbox) == 0
    assert [(call.user, call.cost) for call in VendorCall.objects.all()] == [(ann, 0)]


def test_the_first_ids_stand_alone_on_stdout_to_be_piped_on(sandbox):
    make_user()
    wanted = some_ids(sandbox, 3)

    ran = find(
        "--json-criteria",
        f'{{"ids": {wanted}, "state": "{sandbox.source.parcel(0).state}"}}'.replace("'", '"'),
        "--ids",
        2,
    )

    assert (ran.status, ran.err) == (0, "3 properties\n")
    assert len(ran.out.splitlines()) == 2
    assert set(ran.out.splitlines()) < set(wanted)


def test_a_flag_is_read_in_every_spelling_or_refused(sandbox):
    make_user()

    ran = find("--where=state=WA", "--where=vacant=YES", "--where=absentee_owner=0", "--json")

    assert ran.json["criteria"] == {"state": "WA", "vacant": True, "absentee_owner": False}
    for wrong in (["--where=vacant=maybe"], ["--where=vacant=true", "--where=vacant=false"]):
        words = "vacant: Write a boolean: true or false (yes or no, 1 or 0)."
        assert_refused(find("--where=state=WA", *wrong), words)


def test_numbers_flags_codes_and_lists_are_told_apart(sandbox):
    make_user()

    ran = find("--where=zip=02139", "--where=zip=98101", "--where=beds_min=3", "--where=absentee_owner=true", "--json")

    assert ran.json["criteria"] == {"zip": ["02139", "98101"], "beds_min": 3, "absentee_owner": True}


def test_somebody_who_does_not_exist_cannot_ask(sandbox):
    assert_refused(find("--where", "state=WA"), "There is no user 'ann': create_api_token ann makes one.")
    assert not VendorCall.objects.exists()


def test_somebody_switched_off_cannot_ask(sandbox):
    make_user(is_active=False)

    assert_refused(find("--where", "state=WA"), "The user 'ann' is turned off.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Error: one of the arguments --where --json-criteria is required"),
        (["--where", "state"], "--where 'state': write it as name=value."),
        (["--where", "state="], "--where 'state=': write it as name=value."),
        (["--json-criteria", "[]"], '--json-criteria must be an object of filters, such as {"state": "WA"}.'),
        (["--json-criteria", "{"], "--json-criteria is not JSON: "),
        (["--where", "city=Seattle"], "A search by city also needs a state or zip."),
        (["--where", "state=WA", "--ids", "10001"], "--ids takes 0 to 10000, not 10001: one request brings no more."),
        (["--where", "state=WA", "--ids", "-1"], "--ids takes 0 to 10000, not -1: one request brings no more."),
        (["--where", "state=WA", "--ids", "x"], "Error: argument --ids: invalid int value: 'x'"),
        (["--where", "state=WA", "--frobnicate"], "unrecognized arguments: --frobnicate"),
    ],
)
def test_what_cannot_be_meant_is_one_line(sandbox, arguments, words):
    make_user()

    ran = find(*arguments)

    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert words in ran.err


def test_a_filter_the_vendor_does_not_know_is_the_vendors_word(sandbox):
    make_user()

    ran = find("--where", "state=WA", "--where", "haunted=true")

    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("CommandError: RealEstateAPI does not accept the request (400)")


def test_a_vendor_out_of_reach_is_one_line(settings):
    make_user()
    settings.VENDORS = settings.VENDORS | {"realestateapi": {"base_url": "http://127.0.0.1:9", "key": ""}}

    assert_refused(find("--where", "state=WA"), "RealEstateAPI is not available: no key (REALESTATEAPI_KEY is not set)")
