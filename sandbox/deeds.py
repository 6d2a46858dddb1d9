"""The sections of a PropertyDetail about money and deeds: sales, mortgages, foreclosure, taxes, portfolio."""

from sandbox.facts import Facts
from sandbox.owners import Owner
from sandbox.parcels import Parcel
from sandbox.search_fields import assessed
from sandbox.shapes import lender, median_income, portfolio, rent
from sandbox.wire import Json


def auction(parcel: Parcel, facts: Facts) -> Json:
    """`auctionInfo` of a parcel with an auction ahead."""
    nothing = ("auctionStreetAddress", "defaultAmount", "lenderPhone", "trusteeAddress", "trusteePhone")
    return {
        "active": True,
        "auctionDate": "2026-02-20T00:00:00.000Z",
        "auctionTime": "10:00 AM",
        "caseNumber": f"{parcel.id % 100000:06d}-SB-2026",
        "documentType": "Notice of Foreclosure Sale",
        "estimatedBankValue": str(facts.value),
        "foreclosureId": str(parcel.id),
        "judgmentAmount": str(facts.balance),
        "judgmentDate": "2025-12-01T00:00:00.000Z",
        "lenderName": lender(parcel),
        "noticeType": "FOR",
        "openingBid": str(facts.balance),
        "originalLoanAmount": str(facts.balance),
        "recordingDate": "2025-12-15T00:00:00.000Z",
        "seqNo": 1,
        "trusteeFullName": "Example Trustee Services",
        **dict.fromkeys((*nothing, "trusteeSaleNumber", "typeName")),
    }


def foreclosure(parcel: Parcel, facts: Facts) -> Json:
    """An element of `foreclosureInfo`."""
    return {
        "foreclosureId": str(parcel.id),
        "originalLoanAmount": str(facts.balance),
        "estimatedBankValue": str(facts.value),
        "defaultAmount": str(facts.balance // 20),
        "recordingDate": "2025-12-15",
        "openingBid": str(facts.balance),
        "auctionDate": "2026-02-20",
        "auctionTime": "11:00 AM",
        "auctionStreetAddress": f"{parcel.county} County Courthouse",
        "documentType": "Notice of Default",
        "trusteeSaleNumber": f"SB-{parcel.id % 100000}",
        "typeName": "D",
        "active": True,
    }


def mortgages(parcel: Parcel, facts: Facts) -> list[Json]:
    """`mortgageHistory`: the open mortgage, if there is one."""
    if not facts.balance:
        return []
    day = f"{parcel.sale_date or '2020-01-01'}T00:00:00.000Z"
    return [
        {
            "amount": facts.balance,
            "deedType": "Deed Of Trust",
            "documentDate": day,
            "granteeName": "",
            "interestRate": None,
            "interestRateType": "Adjustable Rate" if facts.adjustable_rate else "Fixed Rate",
            "lenderCode": "B",
            "lenderName": lender(parcel),
            "lenderType": "Private Individual" if facts.private_lender else "Bank",
            "maturityDate": None,
            "mortgageId": str(parcel.id),
            "open": True,
            "recordingDate": day,
            "seq": 0,
            "transactionType": "Mortgage",
        }
    ]


def current(mortgage: Json) -> Json:
    """An element of `currentMortgages`, from one of the history."""
    kept = ("documentDate", "amount", "lenderName", "deedType", "recordingDate", "interestRateType", "seq")
    return {
        **{key: mortgage[key] for key in kept},
        "interestRate": 0,
        "loanType": "Refinance",
        "position": "First",
    }


def demographics(parcel: Parcel, facts: Facts) -> Json:
    """`demographics`: rents in numeric strings, US dollars a month."""
    base = rent(facts)
    return {
        "fmrEfficiency": str(base * 6 // 10),
        "fmrFourBedroom": str(base * 12 // 10),
        "fmrOneBedroom": str(base * 7 // 10),
        "fmrThreeBedroom": str(base),
        "fmrTwoBedroom": str(base * 8 // 10),
        "fmrYear": "2026",
        "hudAreaCode": f"SANDBOX{parcel.zip}",
        "hudAreaName": f"{parcel.city}, {parcel.state}",
        "medianIncome": str(median_income(parcel)),
        "suggestedRent": str(base),
    }


def last_sale(parcel: Parcel, facts: Facts, owner: Owner) -> Json:
    """`lastSale`; empty where the source has no date."""
    if parcel.sale_date is None:
        return {}
    return {
        "armsLength": True,
        "buyerNames": owner.full_name,
        "documentType": "Warranty Deed",
        "documentTypeCode": "DTWD",
        "downPayment": str(max(0, parcel.price - facts.balance)),
        "ltv": 0 if facts.free_clear else 100 - facts.equity_percent,
        "ownerIndividual": facts.owner_kind == "Individual",
        "priorOwnerIndividual": True,
        "priorOwnerMonthsOwned": "59",
        "purchaseMethod": "Cash Purchase" if facts.cash_buyer else "Financed",
        "recordingDate": parcel.sale_date,
        "saleAmount": str(parcel.price),
        "saleDate": parcel.sale_date,
        "sellerNames": "",
        "seqNo": "0",
        "transactionType": "Transfer",
    }


def history(sale: Json) -> Json:
    """An element of `saleHistory`: numbers where `lastSale` has numeric strings."""
    kept = {key: value for key, value in sale.items() if not key.startswith("prior")}
    moment = f"{sale['saleDate']}T00:00:00.000Z"
    amounts: Json = {"downPayment": int(sale["downPayment"]), "saleAmount": int(sale["saleAmount"]), "seq": 0}
    return {**kept, **amounts, "recordingDate": moment, "saleDate": moment}


def linked(parcel: Parcel, facts: Facts) -> Json:
    """`linkedProperties`: the owner's holdings, in numeric strings."""
    totals = portfolio(facts)
    return {
        "ids": [str(parcel.id)],
        "totalEquity": totals["totalPortfolioEquity"],
        "totalMortgageBalance": totals["totalPortfolioMortgageBalance"],
        "totalOwned": totals["totalPropertiesOwned"],
        "totalValue": totals["totalPortfolioValue"],
    }


def tax(parcel: Parcel, facts: Facts) -> Json:
    """`taxInfo`, US dollars."""
    total, land = assessed(facts)
    return {
        "assessedImprovementValue": str(total - land),
        "assessedLandValue": land,
        "assessedValue": total,
        "assessmentYear": 2025,
        "estimatedValue": round(facts.value * 1.02, 1),
        "marketImprovementValue": facts.value - facts.value // 3,
        "marketLandValue": facts.value // 3,
        "marketValue": facts.value,
        "propertyId": parcel.id,
        "taxAmount": f"{total / 100:.2f}",
        "year": 2025,
    }
