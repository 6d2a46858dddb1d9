"""What no address declares is refused at every address, before anything is read, bought or changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework import serializers
from rest_framework.serializers import Serializer

from buckets.services import recount
from common.api.declared import declared
from common.api.serializers import FlagField, PlainDecimalField, StrictSerializer, WholeField
from enrichment.api.serializers import ProcessInput
from enrichment.api.views import QuoteView
from enrichment.models import Run, Schedule
from integrations.api.serializers import PriceInput
from integrations.models import VendorCall
from leads.api.serializers import LeadEdit
from leads.models import Lead
from tests.api.client import Api, body_of, refused
from tests.api.test_lists import schema
from tests.api.test_tenancy import ADDRESSES, SAMPLES, VENDOR_POSTS, address_of, methods

LISTS = ("consents-import", "recordings", "scrubs-import", "suppressions-import")
FORMS = {(name, "POST") for name in ("bucket-imports", "import-new", *LISTS)}  # a form: `test_a_file_comes_…`
BY_VENDORS = {(name, "POST") for name in ("apollo-webhook", *VENDOR_POSTS)}  # they add parameters at any time
EVERYWHERE = sorted(set(SAMPLES) - BY_VENDORS)
FILTERS = "/api/property/bucket/leads"


def may_change_vendors(user: Any) -> None:
    """Without it vendors' addresses refuse whoever asks before they read a body."""
    user.user_permissions.add(Permission.objects.get(codename="change_vendor"))


@pytest.mark.parametrize(("name", "method"), EVERYWHERE)
def test_an_unknown_query_parameter_is_refused_by_name_everywhere(world, ann, name, method):
    before, api = world.rows(), Api(ann)
    sample = SAMPLES[name, method][0]
    body = {key: value for key, value in sample.items() if value} if isinstance(sample, dict) else None
    for unknown in ("nonsense=1", "maxCots=5", "nonsense"):  # in one world, which is dearer than a request
        query = f"{sample.format(**world.ids)}&{unknown}" if isinstance(sample, str) and sample else f"?{unknown}"

        answer = api.send(method, address_of(world, name) + query, body)

        if name in ("schema", "docs"):  # they answer in forms of their own
            assert answer.status_code == 400, unknown
        else:
            refused(answer, 400, unknown.partition("=")[0])
    assert world.rows() == before
    assert not VendorCall.objects.exists()


@pytest.mark.parametrize(("name", "method"), sorted(set(EVERYWHERE) - FORMS))
def test_an_unknown_field_of_the_body_is_refused_by_name_everywhere(world, ann, name, method):
    sample = SAMPLES[name, method][0]
    query = sample.format(**world.ids) if isinstance(sample, str) else ""
    may_change_vendors(ann)
    before = world.rows()

    answer = Api(ann).send(method, address_of(world, name) + query, {"maxCots": 5})

    if (name, method) == ("bucket-imports", "GET"):  # it reads forms alone
        assert answer.status_code == 415
    elif name in ("schema", "docs"):
        assert answer.status_code == 400
    else:
        refused(answer, 400, "maxCots")
    assert world.rows() == before


@pytest.mark.parametrize("name", sorted({name for name, _ in FORMS}))
def test_a_file_comes_with_nothing_unknown_and_once(api, world, name):
    address = address_of(world, name)
    before = world.rows()
    boundary = {"content_type": "multipart/form-data; boundary=x", "headers": api.headers}
    part = '--x\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\nAddress\r\n'
    for parts, field in (
        ([part.format("file", '; filename="a.csv"'), part.format("maping", "")], "maping"),
        ([part.format("file", '; filename="a.csv"')] * 2, "file"),
    ):
        answer = api.client.post(address, "".join(parts) + "--x--\r\n", **boundary)
        refused(answer, 400, field)
    assert refused(api.post(address, {"maxCots": 5}), 415)
    assert world.rows() == before


def test_a_name_that_stands_in_the_body_twice_is_refused(api, world):
    body = f'{{"bucketId": "{world.bucket.pk}", "maxCost": 1, "limit": 1, "maxCost": 100}}'

    message = refused(api.post("/api/property/bucket/process", body), 400, "maxCost")

    assert message == "maxCost: It stands in one object twice."
    assert Run.objects.count() == 1


def test_every_method_that_is_there_was_asked():
    there = {(name, method) for name, (_, view) in ADDRESSES.items() for method in methods(view)}
    assert there - set(EVERYWHERE) == BY_VENDORS


def test_what_is_taken_is_what_the_description_declares():
    assert declared(QuoteView.get) >= {"limit", "maxCost", "skipTrace", "kind", "revealPhones"}
    assert "guard" not in declared(QuoteView.get)
    assert declared(QuoteView.post) == frozenset()


def test_every_answer_has_a_body_so_none_is_declared_to_have_none():
    found = [one for path in schema()["paths"].values() for one in path.values()]
    assert [one["operationId"] for one in found if "204" in one["responses"]] == []


def descendants(cls: type[Any]) -> set[Any]:
    return {one for child in cls.__subclasses__() for one in (child, *descendants(child))}


def test_every_body_is_read_strictly():
    """A serializer that reads a body and ignores what it does not know would be no cap at all for `maxCots`."""
    import accounts.api.serializers
    import buckets.api.serializers
    import enrichment.api.serializers
    import integrations.api.serializers
    import leads.api.serializers

    rooms = (accounts, buckets, enrichment, integrations, leads)
    read = [
        cls
        for room in rooms
        for name, cls in vars(room.api.serializers).items()
        if isinstance(cls, type) and issubclass(cls, Serializer) and name.endswith(("Input", "Edit", "Query", "Upload"))
    ]
    assert len(read) > 20
    every = descendants(StrictSerializer)
    assert {PriceInput, LeadEdit, ProcessInput} <= every
    loose = (serializers.BooleanField, serializers.IntegerField, serializers.DecimalField)
    strict = (FlagField, WholeField, PlainDecimalField)
    assert [
        (cls.__name__, name)
        for cls in sorted(every | set(read), key=lambda cls: cls.__name__)
        for name, field in cls._declared_fields.items()
        if isinstance(field, loose) and not isinstance(field, strict)
    ] == []
    assert [cls.__name__ for cls in read if not issubclass(cls, StrictSerializer)] == []


@pytest.mark.parametrize("query", ["limit=5&limit=6", "bucketId={other}", "cursor=&cursor="])
def test_a_parameter_given_twice_is_refused_not_the_last_taken(api, world, query):
    answer = api.get(f"{FILTERS}?bucketId={world.bucket.pk}&{query.format(other=world.bucket.pk)}")

    refused(answer, 400, query.partition("=")[0])


# --- Filters and flags ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("by_the_lead_alone")
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("doNotCall=0", ["1"]),
        ("doNotCall=false", ["1"]),
        ("doNotCall=1", ["2"]),
        ("doNotCall=unknown", []),
        ("hasPhone=1", ["1", "2"]),
        ("hasPhone=NO", ["3"]),
        ("contactable=false", ["2", "3"]),
        ("needsApollo=false", []),
        ("needsSkipTrace=0", ["1", "2"]),
        ("enrichedOnly=no", ["3"]),
        ("propertyZip=98101&propertyZip=98102", ["1", "2"]),
        ("status=new&status=lost", ["1", "2", "3"]),
    ],
)
def test_a_flag_is_read_in_every_spelling_and_false_filters(api, world, query, wanted):
    known = {"phone": "+12065550100", "enrichment_status": "completed"}
    Lead.objects.filter(property_id="1").update(**known, phone_do_not_call=False, property_zip="98101")
    Lead.objects.filter(property_id="2").update(**known, phone_do_not_call=True, property_zip="98102")
    recount(mend=True)  # a service would have counted them

    answer = body_of(api.get(f"{FILTERS}?bucketId={world.bucket.pk}&{query}"))

    assert [lead["propertyId"] for lead in answer["leads"]] == wanted
    assert answer["totalMatching"] == len(wanted)


BAD = ["2", "maybe", "1.0", "on", "t", "null", "", "%20", "true&{name}=true"]


@pytest.mark.parametrize("name", ["hasPhone", "doNotCall", "contactable", "needsApollo", "enrichedOnly", "vacant"])
@pytest.mark.parametrize("value", BAD)
def test_a_flag_that_says_neither_is_refused_by_name(api, world, name, value):
    value = value.format(name=name)
    for address in (f"{FILTERS}?bucketId={world.bucket.pk}&", f"/api/property/bucket/{world.bucket.pk}/export?"):
        refused(api.get(f"{address}{name}={value}"), 400, name)


@pytest.mark.parametrize("value", [2, -1, 1.0, "maybe", "", " ", None, [], [True], {}, {"is": True}, "on", "t"])
def test_a_flag_of_a_body_that_says_neither_is_refused_by_name(api, world, value):
    before = world.rows()
    bucket = str(world.bucket.pk)
    quote = f"/api/property/bucket/{bucket}/quote"
    schedule = {"bucketId": bucket, "kind": "enrich", "cadence": "0 3 * * *", "maxCost": 1}

    for path, body, field in (
        ("/api/property/bucket/process", {"bucketId": bucket, "skipTrace": value}, "skipTrace"),
        ("/api/property/bucket/process", {"bucketId": bucket, "onlyFailed": value}, "onlyFailed"),
        ("/api/property/bucket/process", {"bucketId": bucket, "guard": {"absenteeOwner": value}}, "absenteeOwner"),
        (quote, {"guard": {"absenteeOwner": value}}, "absenteeOwner"),
        (quote, {"kind": "apollo", "revealPhones": value}, "revealPhones"),
        ("/api/apollo/enrich", {"leadIds": [str(world.lead.pk)], "updateDb": value}, "updateDb"),
        ("/api/apollo/enrich", {"leadIds": [str(world.lead.pk)], "revealEmails": value}, "revealEmails"),
        ("/api/property/bucket/combine", {"allOf": [bucket], "preview": value}, "preview"),
        ("/api/schedules", schedule | {"skipTrace": value}, "skipTrace"),
        ("/api/schedules", schedule | {"guard": {"absenteeOwner": value}}, "absenteeOwner"),
        ("/api/property/search", {"mode": "count", "search": {"state": "WA", "absentee_owner": value}}, "search"),
    ):
        refused(api.post(path, body), 400, field)
    assert world.rows() == before


@pytest.mark.parametrize("value", [True, 1, "1", "TRUE", " yes ", "true"])
def test_a_guard_means_true_in_every_spelling(api, world, value):
    body = {"bucketId": str(world.bucket.pk), "guard": {"absenteeOwner": value}, "skipTrace": value, "limit": 1}
    schedule = {"kind": "enrich", "cadence": "0 3 * * *", "maxCost": 1}

    run = body_of(api.post("/api/property/bucket/process", body, Prefer="wait=0"), 202)["run"]
    made = body_of(api.post("/api/schedules", body | schedule), 201)["schedule"]

    assert run["options"]["guard"] == made["options"]["guard"] == {"absenteeOwner": True}
    assert run["options"]["skipTrace"] is made["options"]["skipTrace"] is True
    assert Run.objects.order_by("-pk")[0].options["guard"] == {"absenteeOwner": True}


def test_a_guard_takes_any_of_several_values_and_one_number(api, world):
    address = "/api/schedules"
    body = {"bucketId": str(world.bucket.pk), "kind": "enrich", "cadence": "0 3 * * *", "maxCost": 1}
    guard = {"propertyType": ["SFR", "MFR"], "propertyZip": [98101, "98102"], "equityPercentMin": "40"}

    made = body_of(api.post(address, body | {"guard": guard}), 201)["schedule"]

    kept = {"propertyType": ["SFR", "MFR"], "propertyZip": ["98101", "98102"], "equityPercentMin": 40}
    assert made["options"]["guard"] == kept
    for name, value in (("equityPercentMin", [40]), ("propertyType", []), ("status", ["hot"]), ("bedroomsMin", "٣")):
        refused(api.post(address, body | {"guard": {name: value}}), 400, name)
    assert Schedule.objects.count() == 2


@pytest.mark.parametrize("value", ["1_0", "٣", " ", True, [5], 2.5, "1e99"])
def test_a_number_in_no_plain_digits_is_refused(api, world, value):
    before = world.rows()
    body = {"bucketId": str(world.bucket.pk), "limit": value}

    refused(api.post("/api/property/bucket/process", body), 400, "limit")
    if value != 2.5:
        refused(
            api.post("/api/property/bucket/process", {"bucketId": body["bucketId"], "maxCost": value}), 400, "maxCost"
        )
    assert world.rows() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("vacant", "ownerOccupied", "phoneDoNotCall") for value in ("on", "t", 2, "")],
        *[(name, value) for name in ("bedrooms", "sqft", "bathrooms") for value in ("1_0", "٣", True, "NaN")],
        ("yearBuilt", 1990.5),
        ("phoneDoNotCall", None),
    ],
)
def test_a_typed_flag_or_number_that_says_none_is_refused(api, world, name, value):
    before = world.rows()

    refused(api.patch(f"/api/leads/{world.lead.pk}", {name: value}), 400, name)
    assert world.rows() == before


def test_a_typed_flag_is_read_in_every_spelling(api, world):
    address = f"/api/leads/{world.lead.pk}"

    for said in ("YES", 1, "true"):
        assert body_of(api.patch(address, {"vacant": said}))["lead"]["vacant"] is True
        assert body_of(api.patch(address, {"vacant": None, "ownerOccupied": "no"}))["lead"]["ownerOccupied"] is False
    assert body_of(api.patch(address, {"bathrooms": "2.5", "bedrooms": "3"}))["lead"]["bathrooms"] == 2.5


def test_a_canary_is_told_in_numbers(api, world):
    canary = {"leads": 1, "minHitRate": "0.5", "maxCostPerLead": 0.1}
    body = {"bucketId": str(world.bucket.pk), "limit": 1, "canary": canary}

    run = body_of(api.post("/api/property/bucket/process", body, Prefer="wait=0"), 202)["run"]

    assert run["options"]["canary"] == {"leads": 1, "minHitRate": 0.5, "maxCostPerLead": 0.1}
