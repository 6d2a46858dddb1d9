"""Segments as carriers count them, templates, who gets which text, and which text did better."""

from __future__ import annotations

import random

import pytest
import smsutil

from campaigns.rules.results import needed, two_proportions
from campaigns.rules.segments import Segments, segments, to_gsm
from campaigns.rules.templates import (
    SAMPLE,
    VARIABLES,
    BadTemplate,
    Company,
    Missing,
    Person,
    parse,
    render,
    values_of,
)
from campaigns.rules.variants import draw


@pytest.mark.parametrize(
    ("text", "count", "encoding", "units"),
    [
        ("", 1, "gsm", 0),
        ("a" * 160, 1, "gsm", 160),
        ("a" * 161, 2, "gsm", 161),
        ("€" * 80, 1, "gsm", 160),
        ("€" * 81, 2, "gsm", 162),
        ("a" * 152 + "€" + "a" * 151, 2, "gsm", 305),
        ("a" * 152 + "€" + "a" * 152, 3, "gsm", 306),  # two parts' septets, but an escape is not split
        ("’" + "a" * 69, 1, "ucs2", 70),
        ("’" + "a" * 70, 2, "ucs2", 71),
        ("👍" * 35, 1, "ucs2", 70),
        ("👍" * 36, 2, "ucs2", 72),
        ("ç", 1, "ucs2", 1),
        ("\t", 1, "ucs2", 1),
        ("\u00a0", 1, "ucs2", 1),
        ("Ç É", 1, "gsm", 3),
        ("Hi Maria,\r\n1 GSM text", 1, "gsm", 21),
    ],
)
def test_segments_of_the_reference(text, count, encoding, units):
    assert segments(text) == Segments(count, encoding, units)


def test_segments_agree_with_another_implementation_on_all_kinds_of_texts():
    chosen = random.Random(12)
    alphabets = ("abc XYZ@€", "abc€[]{}", "ab’c", "👍a", "éàçñ", "a")
    for _ in range(400):
        text = "".join(chosen.choices(chosen.choice(alphabets), k=chosen.randint(1, 500)))
        ours, theirs = segments(text), smsutil.split(text)
        assert ours.count == len(theirs.parts), text
        assert (ours.encoding == "gsm") is smsutil.is_valid_gsm(text)


def test_quotes_and_dashes_become_ones_that_gsm_has():
    text = "“We’ll” pay – more…\u00a0soon\u200b"
    assert to_gsm(text) == '"We\'ll" pay - more... soon'
    assert segments(text).encoding == "ucs2"
    assert segments(to_gsm(text)).encoding == "gsm"
    assert to_gsm("¿Qué? 👍") == "¿Qué? 👍"


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("Hi {{firstname}}", 3, '"{{firstname}}" is no variable; did you mean {{firstName}}?'),
        ("{{FirstName}}", 0, '"{{FirstName}}" is no variable; did you mean {{firstName}}?'),
        ("{{firsName}}", 0, '"{{firsName}}" is no variable; did you mean {{firstName}}?'),
        ("{{phone}}", 0, f'"{{{{phone}}}}" is no variable; there are {", ".join(VARIABLES)}.'),
        ("a {{{firstName}}}", 2, "a variable has two braces"),
        ("{{firstName}}}", 0, "a variable is {{firstName}}"),
        ("{{#if}}x", 0, "sections and partials are not known here"),
        ("{{>x}}", 0, "sections and partials are not known here"),
        ("ok {x}", 3, "two on each side"),
        ("ok } there", 3, "two on each side"),
        ("Hi {{ firstName", 3, "a variable is {{firstName}}"),
        ("{{}}", 0, "a variable is {{firstName}}"),
        ("{{first name}}", 0, "a variable is {{firstName}}"),
        ("{{firstName|}}", 12, "leave out the |"),
        ("{{firstName|" + "x" * 41 + "}}", 12, "at most 40 characters"),
        ("Hi\x00", 2, "U+0000"),
        ("  ", 0, "Enter a text."),
        ("{{ 'a'*10**9 }}", 0, "a variable is {{firstName}}"),
    ],
)
def test_what_is_no_template_is_refused_with_its_position(text, position, words):
    with pytest.raises(BadTemplate) as refused:
        parse(text)
    assert refused.value.position == position
    assert words in refused.value.words


def test_a_template_is_filled_in_one_pass():
    template = parse("Hi {{ firstName|there }}, is {{address}} yours? {{firstName|there}}")
    assert template.variables == ("address", "firstName")
    assert render(template, {"address": "{{city}} & O'Neil"}) == "Hi there, is {{city}} & O'Neil yours? there"
    assert render(template, {"firstName": "Ana", "address": "<b>"}, html=True) == "Hi Ana, is &lt;b&gt; yours? Ana"
    assert render(template, {"firstName": "Ana", "address": ""}) == Missing(("address",))
    assert render(parse("{{city}}{{state}} {{zip}}"), {"zip": "1"}) == Missing(("city", "state"))
    assert render(parse("No variable"), {}) == "No variable"
    every = parse(" ".join(f"{{{{{name}}}}}" for name in VARIABLES))
    assert render(every, SAMPLE) == " ".join(SAMPLE[name] for name in VARIABLES)
    assert set(SAMPLE) == set(VARIABLES)


def test_values_are_cleaned_and_a_company_is_nobodys_first_name():
    person = Person(
        first_name="MARÍA\u202e\r\nBCC: X", last_name="O'NEIL-SMITH", full_name="MARÍA O'NEIL-SMITH",
        owner_type="individual", address="1200 E FILLMORE ST", city="FORT OF THE LAKE", state="az", zip="85004-1234",
        county="Maricopa", property_type="SFR",
    )  # fmt: skip
    values = values_of(
        person, Company("Desert LLC", "1 N 1st St", "Jane", "(602) 555-0100"), unsubscribe_url="https://x"
    )
    assert set(values) == set(VARIABLES)
    assert values["firstName"] == "María Bcc: X"
    assert values["lastName"] == "O'Neil-Smith"
    assert values["address"] == "1200 E Fillmore St"
    assert (values["city"], values["state"], values["zip"]) == ("Fort of the Lake", "AZ", "85004")
    assert (values["propertyType"], values["companyName"]) == ("house", "Desert LLC")
    assert len(values_of(Person(first_name="x" * 10_000), Company())["firstName"]) == 80
    for owner in (
        Person(first_name="Desert", full_name="Desert Homes LLC"),
        Person(first_name="Smith", last_name="Family Trust", full_name="SMITH FAMILY TRUST", owner_type="trust"),
        Person(first_name="Ann", full_name="Ann Doe", owner_type="corporation"),
    ):
        assert (values_of(owner, Company())["firstName"], values_of(owner, Company())["lastName"]) == ("", "")
    assert values_of(Person(first_name="Maria", full_name="CO MARIA", owner_type="individual"), Company())["firstName"]


def test_a_person_gets_the_same_text_each_time_and_people_are_dealt_by_weight():
    keys = [f"+1602555{number:04}" for number in range(10_000)]
    first = [draw("seed-1", key, {"A": 50, "B": 50}) for key in keys]
    assert first == [draw("seed-1", key, {"B": 50, "A": 50}) for key in keys]
    assert 4_800 < first.count("A") < 5_200
    second = [draw("seed-2", key, {"A": 50, "B": 50}) for key in keys]
    assert 4_800 < sum(a == b for a, b in zip(first, second, strict=True)) < 5_200  # independent
    dealt = [draw("s", key, {"A": 70, "B": 20, "C": 10}) for key in keys]
    assert [round(dealt.count(name) / 1_000) for name in "ABC"] == [7, 2, 1]
    assert draw("s", "k", {"A": 100}) == "A"
    for weights in ({"A": 50, "B": 49}, {"A": 101, "B": -1}):
        with pytest.raises(ValueError, match="sum to 100"):
            draw("s", "k", weights)


@pytest.mark.parametrize(
    ("tables", "method", "p", "interval"),
    [
        # Intervals: Newcombe (1998), table II, method 10.
        ((48, 80, 56, 70), "z", 0.0080451, (0.0524, 0.3339)),  # z = 0.2 / 0.0754667 = 2.65017
        ((3, 10, 9, 10), "fisher", 2 * (1200 + 45) / 125970, (0.1705, 0.8090)),  # tables of C(20, 12)
    ],
)
def test_two_shares_are_compared_as_in_the_books(tables, method, p, interval):
    found = two_proportions(*tables)
    assert found is not None
    assert found.method == method
    assert found.p == pytest.approx(p, abs=1e-6)
    assert found.interval == pytest.approx(interval, abs=1e-4)
    assert found.is_clear


def test_how_many_it_takes_to_tell_two_texts_apart():
    assert [needed(0.02, 0.03), needed(0.05, 0.08), needed(0.10, 0.15)] == [3826, 1059, 686]
    assert needed(0.1, 0.1) is None


@pytest.mark.long
def test_nobody_is_better_where_nobody_answered_or_all_did():
    assert two_proportions(0, 0, 1, 5) is None
    nothing = two_proportions(0, 1_000, 0, 1_000)
    assert nothing is not None
    assert (nothing.p, nothing.difference, nothing.needed, nothing.is_clear) == (1.0, 0.0, None, False)
    everybody = two_proportions(50, 50, 60, 60)
    assert everybody is not None
    assert everybody.p == 1.0
    lopsided = two_proportions(4, 10, 40_000, 100_000)
    assert lopsided is not None
    assert lopsided.p == pytest.approx(1.0, abs=0.05)
    with pytest.raises(ValueError, match="More hits"):
        two_proportions(6, 5, 0, 1)
