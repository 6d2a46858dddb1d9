"""A repeated request, one after the other and at the same moment."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from enrichment.models import Run
from tests.api.client import Api, body_of, refused
from tests.support import make_bucket, make_user

PROCESS = "/api/property/bucket/process"


@pytest.fixture
def bucket(sandbox, ann):
    return make_bucket(sandbox, ann, 6)


def test_a_repeat_with_the_same_key_is_the_same_run(api, ann, bob, sandbox, bucket):
    body = {"bucketId": str(bucket.pk), "limit": 2}

    first = api.post(PROCESS, body, Idempotency_Key="a key")
    second = api.post(PROCESS, body, Idempotency_Key="a key")

    assert "Idempotent-Replay" not in first
    assert second["Idempotent-Replay"] == "true"
    assert body_of(first, 202)["run"]["id"] == body_of(second, 202)["run"]["id"]
    refused(api.post(PROCESS, {**body, "limit": 3}, Idempotency_Key="a key"), 409, "Idempotency-Key")
    refused(api.post(PROCESS, {**body, "maxCost": 1}, Idempotency_Key="a key"), 409, "Idempotency-Key")
    other = make_bucket(sandbox, ann, 2)
    refused(api.post(PROCESS, {"bucketId": str(other.pk)}, Idempotency_Key="a key"), 409, "Idempotency-Key")
    assert Run.objects.count() == 1
    body_of(Api(bob).post(PROCESS, {"bucketId": str(make_bucket(sandbox, bob, 1).pk)}, Idempotency_Key="a key"), 202)


def at_once(requests):
    """Sends them from a thread each, and gives the answers."""
    gate, answers = threading.Barrier(len(requests)), []

    def send(api, body):
        gate.wait()
        answers.append(api.post(PROCESS, body, Idempotency_Key="k"))
        connections.close_all()

    threads = [threading.Thread(target=send, args=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_same_key_from_many_at_once_is_one_run(sandbox):
    ann = make_user("ann")
    buckets = [make_bucket(sandbox, ann, 3, name=f"B{number}") for number in range(6)]
    bodies = [{"bucketId": str(bucket.pk)} for bucket in buckets]

    same = at_once([(Api(ann), bodies[0])] * 6)
    assert [answer.status_code for answer in same] == [202] * 6
    assert len({answer.json()["run"]["id"] for answer in same}) == 1
    assert sum("Idempotent-Replay" in answer for answer in same) == 5
    Run.objects.all().delete()

    different = at_once([(Api(ann), body) for body in bodies])
    assert sorted(answer.status_code for answer in different) == [202, 409, 409, 409, 409, 409]
    assert Run.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "clé", "a\x7f"])
def test_a_key_that_cannot_be_is_refused(api, bucket, key):
    refused(api.post(PROCESS, {"bucketId": str(bucket.pk)}, Idempotency_Key=key), 400, "Idempotency-Key")

    assert not Run.objects.exists()
