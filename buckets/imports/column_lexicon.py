"""The words that columns' names are made of, how each is written, and what sets of them mean. Pure."""

from __future__ import annotations

import re

# A word of a column's name: the ways it is written. "-": says nothing.
_SPELLED = """
-: the of is line text txt on for a an desc true
code: code cd
address: address addr add adr addres addrs adrs adress addresses
street: street str strt
st: st
name: name nm nme names fullname
number: number num no nbr nmb numb nr numbr
city: city town municipality cty
state: state province
abbr: abbr abbreviation abbrev
zip: zip zipcode postcode
postal: postal
county: county cnty
country: country
fips: fips
property: property prop subject premise premises
parcel: parcel par
situs: situs site physical phys phy location loc
mailing: mailing mail billing bill
mailto: mailto
owner: owner own ownr owners taxpayer assessee
contact: contact
party: party
first: first fst given
last: last lst surname
first_name: fname
last_name: lname
middle: middle mi
second: second secondary co spouse 2nd
unit: unit apt apartment suite ste condo
designator: designator
sub: sub
sec: sec
additional: additional addl
space: space spc
room: room
floor: floor
flat: flat
house: house hse
half: half
fraction: fraction frac
direction: direction dir
pre: pre prefix prefx pfx pref
pre_direction: predir predirection
post: post pos
post_direction: postdir postdirection sufdir
suffix: suffix sufix sfx suf sufx
type: type typ
quadrant: quadrant quad
mode: mode
id: id
pin: pin
apn: apn
ain: ain
bbl: bbl
original: original orig
assessor: assessor assessors
tax: tax
folio: folio
strap: strap
account: account acct
geo: geo
pid: pid pidn
parcel_id: parid
parcel_number: parno
unformatted: unformatted formatted raw
full: full whole complete
total: total tot
estimated: estimated est
value: value val
market: market
avm: avm zestimate
home: home
equity: equity
percent: percent pct percentage
amount: amount amt
bed: bed beds bedroom bedrooms bdrm bdrms br
bath: bath baths bathroom bathrooms
count: count
sqft: sqft sqfeet
square: square sq
feet: feet ft foot footage
building: building bldg
living: living heated livable finished
area: area
year: year yr
built: built blt
effective: effective eff
sale: sale sales sold
date: date dt
price: price prc
recording: recording recorded
use: use
occupied: occupied occ occupancy
absentee: absentee
vacant: vacant vacancy
latitude: latitude lat
longitude: longitude lon lng long
tag: tag tags label labels
list: list lists
marketing: marketing
status: status
lead: lead
note: note notes comment comments remark remarks
do: do
not: not
dnm: dnm donotmail
email: email emails
primary: primary
file: file
as: as
"""
LEXICON: dict[str, tuple[str, ...]] = {}
for _said in filter(None, _SPELLED.splitlines()):
    _word, _, _ways = _said.partition(": ")
    LEXICON |= dict.fromkeys(_ways.split(), () if _word == "-" else tuple(_word.split("_")))

# The words of a kind, whoever it is about; the surest first.
_WHOLE = """
apn: apn, apn number, original apn, apn id, apn parcel id, apn parcel, apn parcel number, apn unformatted,
    apn parcel number unformatted, parcel number,
    assessor parcel number, parcel id, parcel number unformatted, parcel, pin, pin number, tax id, tax id number,
    tax parcel id, tax parcel number, tax parcel, folio, folio number, strap, strap number, ain, bbl
account: account, account number, geo id, pid
fips: fips, county fips, property county fips, situs county fips, situs state county fips, fips number
foreignId: property id
ownerName: owner name, owner, owner full name, name, full name, mailto, mailto name, owner mailing name, file as name,
    party owner name, party owner name full, contact name, contact name full, contact full name, mailing name,
    mailing address name, owner tag name, property owner name, property owner, full owner name, contact
firstName: owner first name, first name, owner first, first, contact first name, contact first, party owner name first,
    property owner first name, owner first name middle, first name middle
lastName: owner last name, last name, owner last, last, contact last name, contact last, party owner name last,
    property owner last name
secondOwnerName: second owner name, second owner, second owner full name
secondFirstName: second owner first name, second owner first, second first name
secondLastName: second owner last name, second owner last, second last name
email: email, email address, owner email, owner email address, contact email, contact email address, primary email,
    primary email address
doNotMail: do not mail, dnm, do not mailing
estimatedValue: estimated value, estimated market value, avm, avm value, home value, estimated home value,
    property value, estimated property value, market value, total market value, value, value amount
estimatedEquity: estimated equity, equity, equity amount, estimated equity amount
equityPercent: equity percent, estimated equity percent
lastSaleDate: last sale date, last market sale date, date last sale, last sale, sale date, last sale recording date,
    recording date
lastSalePrice: last sale price, last market sale price, last sale amount, last sale value, sale price, sale amount
propertyType: property type, property use, property use type, home type
bedrooms: bed, total bed, bed count, number bed, property bed, bed total number
bathrooms: bath, total bath, bath count, number bath, property bath, bath total number
sqft: sqft, building sqft, living sqft, living area, square feet, living square feet, building square feet,
    total sqft, total living area, total living sqft, living area sqft, living area square feet, building area,
    total building sqft, total square feet, home sqft, property sqft
yearBuilt: year built, built, property year built, effective year built
ownerOccupied: owner occupied, property owner occupied, owner occupied status
absenteeOwner: absentee, absentee owner, owner absentee status
vacant: vacant, property vacant, vacant status
latitude: latitude, property latitude, situs latitude
longitude: longitude, property longitude, situs longitude
tags: tag, lead tag, property tag
lists: list, marketing list, list name
status: status, lead status
statusLabel: status tag, lead status tag
notes: note, lead note, property note
"""
# The words of a part of an address, without those that say whose it is.
_PART = """
address: address, address street, home address, full address, full address street
street: street
house: house, house number, street number, st number, address number, address house number, address street number
houseSuffix: number suffix, street half number, street number suffix, house number suffix, house suffix, fraction,
    house fraction, house number fraction, address number suffix
preDirection: direction, pre direction, street direction, pre street direction, street pre, house direction,
    street name pre direction
streetName: street name, full street name
streetSuffix: suffix, street suffix, street type, st type, st suffix, mode, street name post type, street post type,
    street mode, street name suffix
postDirection: post direction, suffix direction, street suffix direction, street post direction, post street direction,
    quadrant, street name post direction
furtherLine: additional
unit: unit, unit number, street unit, unit value, unit id, street unit number, second unit, sec unit,
    second unit number, unit designator, sub unit, second unit designator
building: building, space, space number, room, room number, floor, floor number, flat, flat number
city: city, city name, postal city, mailing city
state: state, st, state name, state abbr, state postal
zip: zip, postal, postal zip
county: county, county name
country: country, country name
cityStateZip: city state zip, city state, city st zip, city st
"""


def _table(text: str) -> dict[frozenset[str], tuple[str, int]]:
    """{words: (kind, rank)}."""
    joined = re.sub(r"\n\s+", " ", text.strip())
    found: dict[frozenset[str], tuple[str, int]] = {}
    for line in joined.splitlines():
        kind, _, ways = line.partition(": ")
        for rank, way in enumerate(ways.split(",")):
            found.setdefault(frozenset(way.split()), (kind, rank))
    return found


KINDS, PARTS = _table(_WHOLE), _table(_PART)
