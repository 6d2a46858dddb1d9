"""The commands of a team's labels and fields: listed, made, retired and offered again; refused in one line."""

from __future__ import annotations

import pytest

from accounts.models import Role
from tests.admin_site import member
from tests.command_line import assert_refused, run
from tests.support import make_user

pytestmark = pytest.mark.django_db


def test_labels_and_fields_are_kept_by_commands():
    ann = make_user("ann")
    assert run("status_labels", "--user", "ann").out.strip() == "This team has no status labels."
    (made,) = run("status_labels", "--user", "ann", "--make", "Warm", "--status", "contacted", "--json").json["labels"]
    assert (made["name"], made["status"], made["retiredAt"]) == ("Warm", "contacted", None)
    assert "(retired)" in run("status_labels", "--user", "ann", "--retire", made["id"]).out
    assert run("status_labels", "--user", "ann", "--restore", made["id"]).out.strip().endswith("contacted: Warm")
    assert_refused(run("status_labels", "--user", "ann", "--make", "warm", "--status", "new"),
                   "Your team has a status label of this name already.")  # fmt: skip
    told = run("custom_fields", "--user", "ann", "--make", "Heat", "--kind", "choice", "--choice", "Hot", "--json")
    (field,) = told.json["fields"]
    assert (field["key"], field["choices"]) == ("heat", ["Hot"])
    assert run("custom_fields", "--user", "ann").out.strip() == f"{field['id']}  custom.heat  Heat: choice (Hot)"
    assert "(retired)" in run("custom_fields", "--user", "ann", "--retire", field["id"]).out
    member(ann.memberships.get().team, Role.BUYER, "bea")
    words = "Your role does not let you change this: ask a manager of the team."
    assert_refused(run("custom_fields", "--user", "bea", "--make", "Pool", "--kind", "text"), words)
