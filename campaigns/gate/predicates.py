"""What the gate says of many leads at once, as SQL about a lead's row: for lists, filters, exports, counts.

    ready_to_call   `decide` for a call by a person says yes or later, the lead is new and the phone its owner's
    suppressed      something keeps at least one channel from her

`tests/campaigns/gate/test_predicates.py` holds the first against `decide` over a made-up set. One difference is left:
places whose hours have no minute in common (Guam and Rhode Island), to which `decide` says no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db.models import BooleanField, DateTimeField, F, Field, Func, Q
from django.db.models.expressions import RawSQL

from campaigns import clock
from campaigns.gate.facts import OF_THE_PERSON
from campaigns.gate.rule_rows import load_rules
from campaigns.models import StateAnswer
from campaigns.rules.checks import CHECK_DAYS, NEVER
from campaigns.rules.consents import MONTHS, NO_INQUIRY, TRANSACTION_MONTHS, months_before
from campaigns.rules.places import number_kind, states_of
from leads.models import Seller
from leads.permission.scrubbing import area_codes_checked, whole_lists
from leads.permission.selling import flag_counts, missing_of
from leads.permission.suppressing import LIFTABLE, NOT_WITHDRAWN

Params = Mapping[str, Any]
_ANSWERED = (StateAnswer.Answer.REGISTERED, StateAnswer.Answer.EXEMPT, StateAnswer.Answer.NOT_NEEDED)
_COLUMNS = (
    "pk", "team_id", "phone", "phone_type", "phone_do_not_call", "litigator", "property_state", "mailing_state",
    "traced_state", "fact_sources", "skip_traced_at",
)  # fmt: skip


class _AboutLead(Func):
    """SQL about a lead's row: {column} is the lead's, %(name)s a parameter."""

    def __init__(self, sql: str, params: Params, output_field: Field[Any, Any]) -> None:
        super().__init__(*(F(name) for name in _COLUMNS), output_field=output_field)
        self.sql, self.params = sql, dict(params)

    def as_sql(self, compiler: Any, *_: Any, **__: Any) -> Any:  # Django's signature
        columns = {
            name: compiler.compile(expression)[0]
            for name, expression in zip(_COLUMNS, self.get_source_expressions(), strict=True)
        }
        given: list[Any] = []

        def place(found: re.Match[str]) -> str:
            given.append(self.params[found[1]])
            return "%s"

        return re.sub(r"%\((\w+)\)s", place, re.sub(r"\{([a-z_]+)\}", lambda found: columns[found[1]], self.sql)), given


# --- Suppressed -------------------------------------------------------------------------------------------------------

# Of a lead: rows that bind her. A number that two reports call wrong, of different owners, is wrong for everybody.
_BINDING = f"""
  FROM leads_leadkey k
  JOIN leads_contactkey c ON c.id = k.key_id
  JOIN leads_suppression s ON s.kind = c.kind AND s.digest = c.digest
 WHERE k.lead_id = {{pk}}
   AND (s.expires_at IS NULL OR s.expires_at > %(at)s::timestamptz)
   AND {NOT_WITHDRAWN}
   AND (s.owner_key_id IS NULL
        OR EXISTS (SELECT FROM leads_leadkey o WHERE o.lead_id = {{pk}} AND o.key_id = s.owner_key_id)
        OR EXISTS (SELECT FROM leads_suppression a JOIN leads_suppression b ON (b.kind, b.digest) = (a.kind, a.digest)
                    WHERE (a.kind, a.digest) = (s.kind, s.digest) AND a.owner_key_id IS NOT NULL
                      AND b.owner_key_id IS NOT NULL AND a.source < b.source
                      AND NOT EXISTS (
                          SELECT FROM leads_suppression x JOIN leads_suppression y ON x.owner_key_id = y.owner_key_id
                           WHERE (x.kind, x.digest, x.source) = (a.kind, a.digest, a.source)
                             AND (y.kind, y.digest, y.source) = (b.kind, b.digest, b.source))))
"""  # noqa: S608  # constants
# What the person has lifted herself, for a call in this seller's name: by a form of ours about the key that bears it,
# or about the best phone.
_THAT_OR_THE_BEST = """(n.key_kind, n.digest) IN (
    SELECT s.kind, s.digest UNION ALL
    SELECT h.kind, h.digest FROM leads_leadkey g JOIN leads_contactkey h ON h.id = g.key_id
     WHERE g.lead_id = {pk} AND g.role = 1)"""
_LIFTED_FOR_CALLS = f"""s.reason = ANY(%(liftable)s) AND EXISTS (
    SELECT FROM leads_consent n
     WHERE {_THAT_OR_THE_BEST} AND n.seller_id = t.seller AND n.channel = 'call'
       AND n.given_at > s.created_at AND n.kind = 'written' AND n.how = 'form')"""  # constants
# The same of the one channel that a row is about, by anybody's seller of the lead's team; one about all is not lifted
# of all of them.
_LIFTED = """s.reason = ANY(%(liftable)s) AND EXISTS (
    SELECT FROM leads_consent n JOIN leads_seller m ON m.id = n.seller_id AND m.replaced_at IS NULL
     WHERE n.digest = s.digest AND n.key_kind = s.kind AND m.team_id = {team_id} AND n.channel = s.scope
       AND n.given_at > s.created_at
       AND (n.kind = 'start' AND n.how = 'inbound' AND n.channel = 'sms' OR n.kind = 'written' AND n.how = 'form'))"""
_SUPPRESSED = f"{_BINDING} AND NOT ({_LIFTED})"
# Of a call to the best phone: its own rows, and those about the person.
_FOR_CALLS = "s.scope IN ('any', 'call') AND (k.role = 1 OR s.reason = ANY(%(of_the_person)s) AND NOT c.crowded)"
_LIFTED_FOR_THE_TEAM = f"""s.reason = ANY(%(liftable)s) AND EXISTS (
    SELECT FROM leads_consent n JOIN leads_seller m ON m.id = n.seller_id AND m.replaced_at IS NULL
     WHERE {_THAT_OR_THE_BEST} AND m.team_id = {{team_id}} AND n.channel = 'call'
       AND n.given_at > s.created_at AND n.kind = 'written' AND n.how = 'form')"""  # constants
_BLOCKED = f"""
EXISTS (SELECT {_BINDING} AND {_FOR_CALLS} AND NOT ({_LIFTED_FOR_THE_TEAM}))
OR EXISTS (SELECT FROM (
    SELECT DISTINCT ON (r.digest, r.list) r.listed, r.list
      FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id JOIN leads_scrub r ON r.digest = c.digest
      JOIN leads_seller m ON m.id = r.seller_id AND m.replaced_at IS NULL
     WHERE k.lead_id = {{pk}} AND k.role = 1 AND c.kind = 1 AND m.team_id = {{team_id}}
     ORDER BY r.digest, r.list, r.checked_at DESC) r WHERE r.listed AND r.list <> 'reassigned')
"""  # noqa: S608  # constants

# By no number of hers: a row about the person, or one about each number.
_NO_CALLS = f"""
EXISTS (SELECT {_BINDING} AND s.scope IN ('any', 'call') AND NOT ({_LIFTED_FOR_THE_TEAM})
        AND s.reason = ANY(%(of_the_person)s) AND NOT c.crowded)
OR (SELECT bool_and(EXISTS (
            SELECT {_BINDING} AND s.scope IN ('any', 'call') AND NOT ({_LIFTED_FOR_THE_TEAM}) AND k.key_id = p.key_id))
      FROM leads_leadkey p JOIN leads_contactkey q ON q.id = p.key_id AND q.kind = 1 WHERE p.lead_id = {{pk}})
"""  # noqa: S608  # constants
_SINCE_PLANNED = f"""
EXISTS (SELECT {_BINDING} AND s.scope IN ('any', 'call') AND s.created_at > (
    SELECT e.changed_at FROM leads_event e
     WHERE e.lead_id = {{pk}} AND e.kind = 'callback' AND e.status = 'planned'))
"""  # noqa: S608  # constants

# The company of the lead's team has looked the best phone up in the national registry: by number, or by its whole list
# of that area code. Who is on it is blocked, whatever this says (`permission.scrubbing.checked_numbers`).
_CHECKED = """
jsonb_exists(%(whole)s::jsonb -> {team_id}::text, substr({phone}, 3, 3))
OR EXISTS (SELECT FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
             JOIN leads_scrub r ON r.digest = c.digest
             JOIN leads_seller m ON m.id = r.seller_id AND m.replaced_at IS NULL
            WHERE k.lead_id = {pk} AND k.role = 1 AND c.kind = 1 AND m.team_id = {team_id} AND r.list = 'federal')
"""


def _of_suppressions() -> dict[str, Any]:
    return {"at": clock.now(), "liftable": list(LIFTABLE), "of_the_person": sorted(OF_THE_PERSON)}


def suppressed() -> Q:
    """Leads of whom a number, an e-mail or the person must not be contacted by some channel."""
    sql = f"EXISTS (SELECT {_SUPPRESSED})"  # constants
    return Q(_AboutLead(sql, _of_suppressions(), BooleanField()))


def do_not_call() -> Q:
    """Leads whose best phone must not be called: it, or the person, is suppressed, or a registry check found it."""
    return Q(_AboutLead(f"({_BLOCKED})", _of_suppressions(), BooleanField()))


def not_to_be_called() -> Q:
    """Leads whose owner must be called by no number that we have: suppressed, whatever a registry says."""
    return Q(_AboutLead(f"coalesce({_NO_CALLS}, false)", _of_suppressions(), BooleanField()))


def callback_is_off() -> Q:
    """Of those the ones with a planned callback, suppressed after it was planned or changed."""
    return (
        Q(callback_at__isnull=False)
        & not_to_be_called()
        & Q(_AboutLead(_SINCE_PLANNED, _of_suppressions(), BooleanField()))
    )


def checked() -> Q:
    """Leads whose best phone the team's company has looked up in the national registry. A query goes before."""
    whole = {str(team_id): sorted(codes) for team_id, codes in area_codes_checked().items()}
    return Q(_AboutLead(f"coalesce({_CHECKED}, false)", {"whole": json.dumps(whole)}, BooleanField()))


def suppressed_since() -> Func:
    """Since when; null: she is not. Looked for only where there is any suppression at all."""
    sql = f"CASE WHEN EXISTS (SELECT FROM leads_suppression) THEN (SELECT min(s.created_at) {_SUPPRESSED}) END"
    return _AboutLead(sql, _of_suppressions(), DateTimeField())


# --- Ready to call ----------------------------------------------------------------------------------------------------

_READY = f"""
coalesce({{litigator}}, false) = false AND {{team_id}} = ANY(%(teams)s::bigint[])
AND %(kinds)s::jsonb ->> substr({{phone}}, 3, 3) = 'true' AND {{phone}} ~ '^\\+1[2-9][0-9]{{2}}[2-9][0-9]{{6}}$'
AND EXISTS (SELECT FROM leads_leadkey k WHERE k.lead_id = {{pk}} AND k.role = 1)
AND EXISTS (
  SELECT FROM unnest(%(teams)s::bigint[], %(sellers)s::uuid[], %(acknowledged)s::boolean[], %(open)s::text[],
                     %(whole)s::text[]) AS t(team, seller, acknowledged, open, whole)
  CROSS JOIN LATERAL (
    SELECT CASE WHEN n.states <> '{{}}' AND n.states <@ %(known)s::text[] THEN n.states ELSE %(known)s::text[] END
      FROM (SELECT array_remove(array_remove(ARRAY[
              {{property_state}}::text, {{mailing_state}}::text, {{traced_state}}::text], NULL), '')
              || coalesce((SELECT array_agg(e.state) FROM jsonb_array_elements_text(
                   %(area_codes)s::jsonb -> substr({{phone}}, 3, 3)) AS e(state)), '{{}}') AS states) n
  ) AS p(states)
  CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(n.kind = 'written'), false),
           coalesce(bool_or(n.kind IN ('written', 'express')
             OR n.kind = 'inquiry' AND NOT p.states && %(no_inquiry)s::text[]
             OR n.kind = 'transaction' AND (
                NOT p.states && %(short)s::text[] OR n.given_at > %(transaction_short)s::timestamptz)), false)
      FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
      JOIN leads_consent n ON n.digest = c.digest AND n.key_kind = c.kind
     WHERE k.lead_id = {{pk}} AND k.role = 1 AND n.channel = 'call' AND n.seller_id = t.seller
       AND n.given_at <= %(at)s::timestamptz AND (n.expires_at IS NULL OR n.expires_at > %(at)s::timestamptz)
       AND n.given_at > CASE n.kind WHEN 'written' THEN %(written)s::timestamptz
             WHEN 'express' THEN %(express)s::timestamptz WHEN 'inquiry' THEN %(inquiry)s::timestamptz
             WHEN 'transaction' THEN %(transaction)s::timestamptz END
  ) AS agreed(written, opens)
  CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(r.listed AND r.list NOT IN ('litigator', 'reassigned')), false),
           coalesce(bool_or(r.listed AND r.list = 'litigator'), false),
           coalesce(bool_or(r.list = 'federal' AND (r.source <> 'vendor_flag' OR t.acknowledged)
             AND %(today)s::date - coalesce(r.version_date, (r.checked_at AT TIME ZONE 'UTC')::date)
                 BETWEEN 0 AND {CHECK_DAYS}), false)
      FROM (SELECT DISTINCT ON (r.digest, r.list) r.*
              FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
              JOIN leads_scrub r ON r.digest = c.digest
             WHERE k.lead_id = {{pk}} AND k.role = 1 AND c.kind = 1 AND r.seller_id = t.seller
             ORDER BY r.digest, r.list, r.checked_at DESC) r
  ) AS checked(listed, sues, fresh)
  WHERE t.team = {{team_id}}
    AND p.states <@ string_to_array(t.open, ',')
    AND (agreed.written OR NOT p.states && %(cold)s::text[]
         AND NOT (p.states && %(cold_mobile)s::text[] AND {{phone_type}} IS DISTINCT FROM 'landline'))
    AND NOT checked.sues
    AND (agreed.opens OR NOT checked.listed AND {{phone_do_not_call}} IS NOT TRUE)
    AND (agreed.opens OR checked.fresh
         OR %(today)s::date - (t.whole::jsonb ->> substr({{phone}}, 3, 3))::date BETWEEN 0 AND {CHECK_DAYS}
         OR t.acknowledged AND {{phone_do_not_call}} IS FALSE
         AND %(today)s::date - (CASE WHEN jsonb_exists({{fact_sources}}, 'phone')
               THEN CASE WHEN {{fact_sources}} -> 'phone' ->> 'source' = 'trace'
                         THEN ({{fact_sources}} -> 'phone' ->> 'at')::timestamptz END
               ELSE {{skip_traced_at}} END AT TIME ZONE 'UTC')::date BETWEEN 0 AND {CHECK_DAYS})
    AND NOT EXISTS (
      SELECT {_BINDING} AND {_FOR_CALLS} AND NOT ({_LIFTED_FOR_CALLS})))
"""  # noqa: S608  # constants


# Leads whose best phone somebody's company has looked up, or has a consent of: nobody else is ready where neither a
# whole list nor the skip trace's flag counts as a check. Of a million leads a hundred are judged then.
_KNOWN = """
SELECT k.lead_id FROM (
    SELECT r.digest FROM leads_scrub r WHERE r.seller_id = ANY(%s::uuid[])
     UNION SELECT n.digest FROM leads_consent n WHERE n.seller_id = ANY(%s::uuid[]) AND n.channel = 'call'
) AS known JOIN leads_contactkey c ON c.kind = 1 AND c.digest = known.digest
  JOIN leads_leadkey k ON k.key_id = c.id AND k.role = 1
"""


def ready_to_call() -> Q:
    """Leads whose owner may be called by hand, the time of day and the caps aside. Four queries, and what they bring
    goes along: rows are then judged by the database alone. Together with `leads.querysets.NOT_CONTACTED`.
    """
    at = clock.now()
    params = _parameters(at)
    if not params["teams"]:
        return Q(pk__in=[])
    ready = Q(_AboutLead(_READY, params, BooleanField()))
    if any(params["acknowledged"]) or any(whole != "{}" for whole in params["whole"]):
        return ready
    sellers = params["sellers"]
    return Q(pk__in=RawSQL(_KNOWN, [sellers, sellers])) & ready  # noqa: S611  # constants


def _parameters(at: datetime) -> dict[str, Any]:
    rules, today = load_rules(), at.astimezone(UTC).date()
    rows = rules.in_force("call", today)
    cold: dict[str, list[str]] = {"closed": [], "closed_mobile": []}
    for state, of_state in rows.items():
        for row in of_state:
            if row.cold in cold:
                cold[row.cold].append(state)
    banned = {
        ban.state for ban in rules.emergencies if ban.from_at <= at and (ban.until_at is None or at < ban.until_at)
    }
    sellers = [one for one in Seller.objects.filter(replaced_at__isnull=True) if not missing_of(one)]
    sellers = [] if "US" in banned else sellers
    answered: dict[Any, list[str]] = {}
    for seller_id, state in StateAnswer.objects.filter(
        seller__in=[one.pk for one in sellers], answer__in=_ANSWERED
    ).values_list("seller_id", "state"):
        if state not in banned:
            answered.setdefault(seller_id, []).append(state)
    everywhere = list(rules.states)
    return {
        "at": at,
        "today": today,
        "teams": [one.team_id for one in sellers],
        "sellers": [one.pk for one in sellers],
        "acknowledged": [flag_counts(one, at) for one in sellers],
        "whole": [json.dumps({code: f"{on}" for code, (on, _) in whole_lists(one).items()}) for one in sellers],
        "open": [",".join(sorted(answered.get(one.pk, []))) for one in sellers],
        "known": everywhere,
        "cold": everywhere if "US" in cold["closed"] else cold["closed"],
        "cold_mobile": everywhere if "US" in cold["closed_mobile"] else cold["closed_mobile"],
        "no_inquiry": sorted(NO_INQUIRY),
        "short": sorted(TRANSACTION_MONTHS),
        "transaction_short": months_before(at, min(TRANSACTION_MONTHS.values())),
        **{kind: months_before(at, months) for kind, months in MONTHS.items()},
        "kinds": _area_codes()[0],
        "area_codes": _area_codes()[1],
        "liftable": list(LIFTABLE),
        "of_the_person": sorted(OF_THE_PERSON),
    }


@cache
def _area_codes() -> tuple[str, str]:
    """By area code, as JSON: whether its numbers may be called at all, and the states that it stands for."""
    kinds, states = {}, {}
    for code in range(200, 1000):
        number = f"+1{code}5550123"
        kind = number_kind(number, "mobile")
        kinds[str(code)] = kind not in NEVER and kind != "invalid"
        if found := states_of(property_state="", mailing_state="", phone=number):
            states[str(code)] = list(found)
    return json.dumps(kinds), json.dumps(states)
