"""When each state allows a contact, as it was known on Nov 29, 2026: rows, and the holidays of 2026 and 2027.

docs/rules.md says how a row is read and replaced. Not legal advice: counsel confirms a row before the first real campaign.
"""

from datetime import date, time

from django.db import migrations
from django.utils import timezone

CHECKED = date(2026, 11, 29)
BEGINNING = date(2020, 1, 1)  # before anything here was sent
PENNSYLVANIA = date(2026, 10, 18)  # SB 992
OREGON = date(2026, 1, 1)  # HB 3865

FED = "8-21"
TABLES = "Drop Cowboy (Nov 1, 2025), ClickPoint (7/2025)"
NOTHING_STRICTER = f"47 CFR 64.1200(c)(1); nothing stricter found in {TABLES}, g2leadstosales (11/2024)"

# state, channel, Monday to Friday, Saturday, Sunday ('': closed), what differs from an ordinary row, source,
# confidence, note
TABLE = [
    ("US", "any", FED, FED, FED, {}, "47 CFR 64.1200(c)(1), (d)", "h",
     "The floor under every state: registry version no older than 31 days, own do-not-call list, written policy."),
    ("US", "email", "8-20", "8-20", "8-20", {}, "House rule: the law has no hours for e-mail", "h", ""),
    ("AL", "any", "8-20", "8-20", "", {"holidays": "closed"},
     "Ala. Admin. Code 770-X-5-.17(1)(b); ClickPoint (7/2025)", "m",
     "A holiday on Sunday is kept on Monday, one on Saturday on Friday. Own registry; licence."),
    ("AK", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Zones Anchorage and Adak."),
    ("AZ", "any", FED, FED, FED, {}, "Kaufman Dolowich (8/2025)", "m",
     "HB 2498: texts to registry numbers. The Navajo Nation has daylight saving time."),
    ("AR", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("CA", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "CCPA and Delete Act duties. All parties consent to recording."),
    ("CO", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("CT", "any", "9-20", "9-20", "9-20", {"cold": "closed"},
     "Conn. Gen. Stat. 42-288a, 42-289; Manatt; TCPAWorld (6/2023)", "h",
     "Prior express written consent for any telephonic sales call, voice or text. Name, purpose and company within 10 s."),
    ("DE", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("DC", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("FL", "any", "8-20", "8-20", "8-20", {"cap_24h": 3}, "Fla. Stat. 501.616(6), 501.059; SB 1120", "h",
     "3 calls or texts in 24 hours on any number about the same subject. Automated selection or dialling needs written "
     "consent. Seller licence; licensed brokers are exempt. The panhandle is Central."),
    ("GA", "any", FED, FED, FED, {}, "SB 73 (Jul 1, 2024): Klein Moynihan, CompliancePoint", "m",
     "Who benefits is liable, without knowing."),
    ("HI", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "UTC−10, no daylight saving time."),
    ("ID", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Two zones."),
    ("IL", "any", FED, FED, FED, {}, TABLES, "m", "Prerecorded messages 9–21."),
    ("IN", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Own registry; 12 Central counties."),
    ("IA", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("KS", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Four Mountain counties."),
    ("KY", "any", "10-21", "10-21", "10-21", {}, f"KRS 367.46955; {TABLES}", "m", "Two zones."),
    ("LA", "any", "8-20", "8-20", "", {"holidays": "closed"},
     "LPSC General Order R-29617 V(A); dnc.com (12/2023); Venable 2021", "h",
     "No exception, not even consent. Total ban while the commission reports to the emergency centre: enter an emergency "
     "(lpsc.louisiana.gov/DNC_Emergency). The governor adds holidays. Own registry."),
    ("ME", "any", FED, FED, FED, {}, "glama call-desk; g2leadstosales (11/2024)", "m",
     "Automated solicitation on weekdays 9–17 only, one in 8 hours."),
    ("MD", "any", "8-20", "8-20", "8-20", {"cap_24h": 3}, "Md. Code, Commercial Law 14-4502 ff.; dnc.com; WMAR", "h",
     "3 calls or texts in 24 hours about the same subject. Automated selection or dialling needs written consent."),
    ("MA", "any", "8-20", "8-20", "8-20", {}, "201 CMR 12.02(2), (4), (7)", "h",
     "No recorded device; disclosures in the first minute; own registry."),
    ("MI", "any", "9-21", "9-21", "9-21", {}, TABLES, "m", "A new act is pending. Four counties are Central."),
    ("MN", "any", "9-21", "9-21", "9-21", {}, "Drop Cowboy (Nov 1, 2025)", "m", ""),
    ("MS", "any", "8-20", "8-20", "", {"clock": "central"},
     "Miss. Code 77-3-723, 77-3-711(b), 77-3-603(a); dnc.com (Jun 3, 2024)", "h",
     "By Central Standard Time: 9–20 on the clock in summer. Holidays open since 2024. Registration, $75,000 bond; "
     "resident real-estate licensees are exempt for their own real estate."),
    ("MO", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Own registry."),
    ("MT", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("NE", "any", FED, FED, FED, {}, "291 NAC 11 § 3; ClickPoint (7/2025)", "m",
     "Prerecorded messages 13–21 on Sundays and holidays. Two zones."),
    ("NV", "any", "9-20", "9-20", "9-20", {}, "Drop Cowboy (Nov 1, 2025)", "m", "West Wendover is Mountain."),
    ("NH", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("NJ", "any", FED, FED, FED, {"cold": "closed_mobile"}, "N.J.S.A. 56:8-130; Mac Murray & Shuster", "l",
     "No unsolicited sales call to a mobile. Disclosure within 30 s."),
    ("NM", "any", "9-21", "9-21", "9-21", {}, "NMSA 57-12-22(B)(5)", "h", "Sponsor and purpose within 15 s."),
    ("NY", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l",
     "No telemarketing in a declared emergency: enter an emergency."),
    ("NC", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("ND", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Two zones."),
    ("OH", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("OK", "any", "8-20", "8-20", "8-20", {"cap_24h": 3},
     "Okla. Stat. 15 § 775C.4; ClickPoint (7/2025); VICIdial forum (11/2022)", "h",
     "3 in 24 hours about the same subject. Automated dialling needs consent. No altered voice."),
    ("OR", "any", FED, FED, FED, {"until_date": OREGON}, NOTHING_STRICTER, "l", ""),
    ("OR", "any", "8-20", "8-20", "8-20", {"cap_24h": 3, "from_date": OREGON},
     "HB 3865 (Jan 1, 2026): Troutman 2025; citizenportal (5/2025); Postscript", "h",
     "3 calls or texts in 24 hours. Purpose in the first text. A business relationship is a transaction in 18 months. "
     "Malheur is Mountain."),
    ("PA", "any", FED, FED, FED, {"holidays": "closed", "until_date": PENNSYLVANIA},
     "Act 73 of 2019 (dnc.com)", "m", ""),
    ("PA", "any", "9-19", "9-19", "", {"holidays": "closed", "from_date": PENNSYLVANIA},
     "SB 992 as the Senate passed it (pasenategop.com); glama call-desk; Act 73 of 2019 (dnc.com)", "l",
     "Sunday: two sources. Hours 9–19: the Senate's text; the final text was not seen. Texts and ringless voicemail "
     "are included."),
    ("RI", "any", "9-18", "10-17", "", {"holidays": "closed"}, "R.I. Gen. Laws 5-61-2, 5-61-3.6", "h",
     "State and federal holidays. The definition covers certain telephonic sellers; we apply it to all."),
    ("SC", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("SD", "call", "9-21", "9-21", "", {}, "SDCL 37-30-28", "m", "The law closes Sundays to automated calls; we to all."),
    ("SD", "sms", "9-21", "", "", {}, "SDCL 37-30-28", "m", "Weekends are closed to automated solicitation."),
    ("TN", "any", FED, FED, FED, {}, "SB 868 (Jul 1, 2023): TCPAWorld (4/2023)", "m", "Texts count. Two zones."),
    ("TX", "any", "9-21", "9-21", "12-21", {}, "SB 140 (Sep 1, 2025); Kaufman Dolowich (8/2025); glama call-desk", "m",
     "Texts count; private suits; registration. El Paso and Hudspeth are Mountain."),
    ("UT", "any", FED, FED, "", {"holidays": "closed"}, "Utah Code 13-25a-103(3), 13-25a-108", "h",
     "Closed days open with prior express consent. The registry covers other states' numbers of people in Utah."),
    ("VT", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("VA", "any", FED, FED, FED, {}, "SB 1339 (Jan 1, 2026): McGuireWoods, Mondaq", "m",
     "STOP or UNSUBSCRIBE by text is honoured for 10 years at least."),
    ("WA", "any", "8-20", "8-20", "8-20", {}, "RCW 80.36.390, 19.158.040(2)", "h",
     "Identify within 30 s, end within 10 s. A removal counts for every number of that person."),
    ("WV", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", ""),
    ("WI", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Own registry."),
    ("WY", "any", "8-20", "8-20", "8-20", {}, "W.S. 40-12-303; glama call-desk", "l",
     "No automated selection without registry screening."),
    ("PR", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Own zone."),
    ("VI", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Own zone."),
    ("GU", "any", FED, FED, FED, {}, NOTHING_STRICTER, "l", "Own zone."),
]  # fmt: skip

# In every state that closes on holidays. Observed: Saturday's on Friday, Sunday's on Monday; in doubt a day is closed.
COMMON = """
2026-01-01 New Year’s Day
2026-01-19 Martin Luther King Jr. Day
2026-02-16 Presidents’ Day
2026-05-25 Memorial Day
2026-06-19 Juneteenth
2026-07-03 Independence Day (observed)
2026-07-04 Independence Day
2026-09-07 Labor Day
2026-10-12 Columbus Day
2026-11-11 Veterans Day
2026-11-26 Thanksgiving Day
2026-12-25 Christmas Day
2027-01-01 New Year’s Day
2027-01-18 Martin Luther King Jr. Day
2027-02-15 Presidents’ Day
2027-05-31 Memorial Day
2027-06-18 Juneteenth (observed)
2027-06-19 Juneteenth
2027-07-04 Independence Day
2027-07-05 Independence Day (observed)
2027-09-06 Labor Day
2027-10-11 Columbus Day
2027-11-11 Veterans Day
2027-11-25 Thanksgiving Day
2027-12-24 Christmas Day (observed)
2027-12-25 Christmas Day
2027-12-31 New Year’s Day (observed)
"""
# state: source, and what its list has beside
HOLIDAYS = {
    "AL": ("Code of Ala. 1-3-8", """
2026-02-17 Mardi Gras (Baldwin and Mobile Counties)
2026-04-27 Confederate Memorial Day
2026-06-01 Jefferson Davis’ Birthday
2026-12-01 Rosa Parks Day
2027-02-09 Mardi Gras (Baldwin and Mobile Counties)
2027-04-26 Confederate Memorial Day
2027-06-07 Jefferson Davis’ Birthday
2027-12-01 Rosa Parks Day
"""),
    "LA": ("La. Rev. Stat. title 1, § 55; LPSC General Order R-29617; the governor adds days", """
2026-01-08 Battle of New Orleans
2026-02-17 Mardi Gras
2026-04-03 Good Friday
2026-06-03 Confederate Memorial Day
2026-08-30 Huey P. Long Day
2026-08-31 Huey P. Long Day (observed)
2026-11-01 All Saints’ Day
2026-11-02 All Saints’ Day (observed)
2026-11-03 Election Day
2026-11-27 Acadian Day
2027-01-08 Battle of New Orleans
2027-01-19 Robert E. Lee Day
2027-02-09 Mardi Gras
2027-03-26 Good Friday
2027-06-03 Confederate Memorial Day
2027-08-30 Huey P. Long Day
2027-11-01 All Saints’ Day
2027-11-26 Acadian Day
"""),
    "PA": ("Pa. Stat. title 44, § 11; Act 73 of 2019", """
2026-04-03 Good Friday
2026-06-14 Flag Day
2026-06-15 Flag Day (observed)
2026-11-03 Election Day
2026-11-27 Day after Thanksgiving
2027-03-26 Good Friday
2027-06-14 Flag Day
2027-11-02 Election Day
2027-11-26 Day after Thanksgiving
"""),
    "RI": ("R.I. Gen. Laws 25-1-1; 5 U.S.C. 6103", """
2026-05-04 Rhode Island Independence Day
2026-07-06 Independence Day (observed)
2026-08-10 Victory Day
2026-11-03 Election Day
2027-05-04 Rhode Island Independence Day
2027-06-21 Juneteenth (observed)
2027-08-09 Victory Day
2027-12-27 Christmas Day (observed)
"""),
    "UT": ("Utah Code 63G-1-301", """
2026-06-15 Juneteenth (observed)
2026-07-24 Pioneer Day
2027-06-21 Juneteenth (observed)
2027-07-23 Pioneer Day (observed)
2027-07-24 Pioneer Day
"""),
}  # fmt: skip


def rules():
    """The fields of each row."""
    for state, channel, weekdays, saturday, sunday, differs, source, confidence, note in TABLE:
        row = {
            "jurisdiction": state if state == "US" else f"US-{state}", "channel": channel,
            "from_date": BEGINNING, "until_date": None, "clock": "recipient", "holidays": "open", "cap_24h": None,
            "gap_minutes": None, "cold": "open", "source": source, "checked_on": CHECKED, "confidence": confidence,
            "note": note,
        }  # fmt: skip
        for days, hours in (("weekdays", weekdays), ("saturday", saturday), ("sunday", sunday)):
            opens, closes = (time(int(hour)) for hour in hours.split("-")) if hours else (None, None)
            row |= {f"{days}_open": opens, f"{days}_close": closes}
        yield row | differs


def holidays():
    """The fields of each day."""
    for state, (source, own) in HOLIDAYS.items():
        days = dict(line.split(" ", 1) for line in (COMMON + own).split("\n") if line)
        for day, name in sorted(days.items()):
            yield {"jurisdiction": f"US-{state}", "date": date.fromisoformat(day), "name": name, "source": source}


def fill(apps, _schema_editor):
    ContactRule, RuleHoliday = apps.get_model("campaigns", "ContactRule"), apps.get_model("campaigns", "RuleHoliday")
    now = timezone.now()
    ContactRule.objects.bulk_create([ContactRule(created_at=now, **row) for row in rules()])
    RuleHoliday.objects.bulk_create([RuleHoliday(**day) for day in holidays()])


def empty(apps, _schema_editor):
    apps.get_model("campaigns", "ContactRule").objects.all().delete()
    apps.get_model("campaigns", "RuleHoliday").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_kept")]

    operations = [migrations.RunPython(fill, empty)]
