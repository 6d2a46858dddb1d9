"""The words of street lines in one spelling: USPS Publication 28, appendices B, C1 and C2. Pure.

The table of suffixes is scourgify's, which is most of appendix C1, with our own words where it errs or has none.
"""

from __future__ import annotations

from scourgify.address_constants import STREET_TYPE_ABBREVIATIONS

DIRECTIONS = {
    "N": "N", "S": "S", "E": "E", "W": "W", "NE": "NE", "NW": "NW", "SE": "SE", "SW": "SW",
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "NO": "N", "SO": "S",
    "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
}  # fmt: skip

# A county's rolls write "No Main St" for North Main St. With these words it is a name: No Name Rd is not N Name Rd.
NO_IS_A_NAME_BEFORE = frozenset(
    {"NAME", "NAMES", "MANS", "MAN", "END", "OUTLET", "RETURN", "WHERE", "LIMIT", "THRU", "WAKE"}
)

# --- C1, suffixes ----------------------------------------------------------------------------------------------------

# County Road; the Spanish Via is no viaduct
_NOT_AS_SCOURGIFY = frozenset({"CR", "VIA", "VIADUCT", "VDCT", "VIADCT"})
_MORE_SUFFIXES = """
    AVE=AVNU BCH=BCHS BLFS=BLFS BG=BG BGS=BGS BLVD=BL,BLV,BVD,BLVRD,BOULEVRD BRKS=BRKS BYU=BYU CIR=CI CIRS=CIRS
    CMN=CMN CMNS=CMNS,COMMONS CRST=CRST CSWY=CAUSWA CTRS=CTRS CTS=CTS CURV=CURV CVS=CVS DRS=DRS EXPY=EXPRWY
    FRDS=FRDS FRGS=FRGS GLNS=GLNS GRNS=GRNS GRVS=GRVS HBRS=HBRS HTS=HGHTS,HTGS JCT=JUNC LGTS=LGTS LN=LNE LOOP=LP
    MTNS=MTNS MTWY=MTWY OPAS=OPAS PKWY=PWKY,PWY,PRKWY PL=PLC PNE=PNE PSGE=PSGE PT=PNT RTE=RTE,RT SKWY=SKWY
    SQS=SQS STS=STS TER=TE TPKE=TRNPKE TRCE=TRC TRLR=TRAILER,TRLR,TRLRS TRWY=TRWY,THRUWAY UNS=UNS UPAS=UPAS
    VIA=VIA VIADUCT=VIADUCT,VDCT,VIADCT WL=WL XING=CRSNG,CROSSNG XRD=XRD XRDS=CROSSROADS,XRDS
"""
SUFFIXES: dict[str, str] = {
    variant: short
    for variant, short in STREET_TYPE_ABBREVIATIONS.items()
    if " " not in variant and variant not in _NOT_AS_SCOURGIFY
} | {
    variant: short
    for short, variants in (entry.split("=") for entry in _MORE_SUFFIXES.split())
    for variant in variants.split(",")
}
# Streets whose name has no suffix: a number after it is a unit's
WITHOUT_SUFFIX = frozenset({"BROADWAY", "BOWERY", "EMBARCADERO", "ESPLANADE", "BOARDWALK"})
# What follows them alone is their number, no unit's
NUMBERED = frozenset({"LOOP", "HWY", "RTE", "SPUR", "EXPY", "FWY", "BYP"})
# 5 St is 5th St; 5 Mile Rd and 500 S are no ordinals
COUNTED = frozenset({"ST", "AVE", "TER", "CT", "PL", "RD", "LN", "DR", "WAY", "BLVD", "CIR", "PARK", "MNR"})

# --- Words within a street's name ------------------------------------------------------------------------------------

_FULL = """
    MT=MOUNT MNT=MOUNT FT=FORT FRT=FORT STE=SAINTE MTN=MOUNTAIN MNTN=MOUNTAIN MTNS=MOUNTAINS BCH=BEACH BLF=BLUFF
    BND=BEND BRG=BRIDGE BRK=BROOK CMN=COMMON CRK=CREEK CTR=CENTER CV=COVE CYN=CANYON FLD=FIELD
    FLDS=FIELDS FLS=FALLS FRK=FORK FRST=FOREST FRY=FERRY GDN=GARDEN GDNS=GARDENS GLN=GLEN GRN=GREEN GRV=GROVE
    HBR=HARBOR HL=HILL HLS=HILLS HOLW=HOLLOW HTS=HEIGHTS HVN=HAVEN ISL=ISLAND JCT=JUNCTION KNL=KNOLL KNLS=KNOLLS
    LK=LAKE LKS=LAKES LNDG=LANDING MDW=MEADOW MDWS=MEADOWS ML=MILL MLS=MILLS MNR=MANOR ORCH=ORCHARD PK=PARK PLZ=PLAZA
    PT=POINT RDG=RIDGE RIV=RIVER RVR=RIVER SHR=SHORE SHRS=SHORES SMT=SUMMIT SPG=SPRING SPGS=SPRINGS STA=STATION
    VLG=VILLAGE VLY=VALLEY VW=VIEW XING=CROSSING
"""
_SHORT = """
    AVENUE=AVE AV=AVE STREET=ST ROAD=RD LANE=LN COURT=CT DRIVE=DR BOULEVARD=BLVD HIGHWAY=HWY PLACE=PL SQUARE=SQ
    TERRACE=TER PARKWAY=PKWY CIRCLE=CIR TRAIL=TRL TURNPIKE=TPKE ROUTE=RTE RT=RTE
"""
_ORDINALS = """
    FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH NINTH TENTH ELEVENTH TWELFTH THIRTEENTH FOURTEENTH FIFTEENTH
    SIXTEENTH SEVENTEENTH EIGHTEENTH NINETEENTH TWENTIETH
"""


def ordinal(number: int) -> str:
    """1ST, 2ND, 11TH, 23RD."""
    last = {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
    return f"{number}{'TH' if 10 < number % 100 < 14 else last}"


NAME_WORDS: dict[str, str] = {
    **dict(pair.split("=") for pair in (_FULL + _SHORT).split()),
    **{word: ordinal(number) for number, word in enumerate(_ORDINALS.split(), start=1)},
    "MLK": "MARTIN LUTHER KING",
    # no letter's street, as E St may be
    **{word: DIRECTIONS[word] for word in ("NORTHEAST", "NORTHWEST", "SOUTHEAST", "SOUTHWEST")},
}
# Of "Twenty First St": the word before an ordinal, and what it adds
TENS = {"TWENTY": 20, "THIRTY": 30, "FORTY": 40, "FIFTY": 50, "SIXTY": 60, "SEVENTY": 70, "EIGHTY": 80, "NINETY": 90}
ORDINALS_BELOW_TEN = {word: number for number, word in enumerate(_ORDINALS.split()[:9], start=1)}

# --- C2, units -------------------------------------------------------------------------------------------------------

# Spellings of one unit: the word before its number says nothing
UNIT_ALONE = frozenset({"#", "APT", "APTS", "APARTMENT", "APTMT", "UNIT", "UNITS", "UNT", "STE", "SUITE"})
ANY_UNIT = UNIT_ALONE | {"UN", "SU", "NO", "NUM", "NUMBER"}
OTHER_UNITS = {
    "BLDG": "BLDG", "BUILDING": "BLDG", "BLD": "BLDG", "DEPT": "DEPT", "DEPARTMENT": "DEPT", "FL": "FL", "FLOOR": "FL",
    "FLR": "FL", "HNGR": "HNGR", "HANGAR": "HNGR", "HANGER": "HNGR", "KEY": "KEY", "LOT": "LOT", "OFC": "OFC",
    "OFFICE": "OFC", "PH": "PH", "PENTHOUSE": "PH", "PIER": "PIER", "RM": "RM", "ROOM": "RM", "SLIP": "SLIP",
    "SPC": "SPC", "SPACE": "SPC", "SP": "SPC", "STOP": "STOP", "TRLR": "TRLR", "TRAILER": "TRLR", "BAY": "BAY",
    "PHASE": "PHASE", "WING": "WING", "SIDE": "SIDE",
}  # fmt: skip
UNITS_WITHOUT_NUMBER = {
    "BSMT": "BSMT", "BASEMENT": "BSMT", "FRNT": "FRNT", "FRONT": "FRNT", "LBBY": "LBBY", "LOBBY": "LBBY",
    "LOWR": "LOWR", "LOWER": "LOWR", "OFC": "OFC", "OFFICE": "OFC", "PH": "PH", "PENTHOUSE": "PH", "REAR": "REAR",
    "SIDE": "SIDE", "UPPR": "UPPR", "UPPER": "UPPR", "UP": "UPPR", "DOWN": "LOWR", "DN": "LOWR", "LEFT": "LEFT",
    "RIGHT": "RIGHT", "GARDEN": "GDN", "GDN": "GDN", "STUDIO": "STUDIO", "ADU": "ADU",
}  # fmt: skip
UNIT_WORDS = ANY_UNIT | OTHER_UNITS.keys() | UNITS_WITHOUT_NUMBER.keys()
