"""The names a PropertySearch may filter by, as the vendor lists them (its OpenAPI, POST /v2/PropertySearch).

What a request asks for rather than which properties (count, ids_only, size, …) is not among them.
"""

FILTER_NAMES = frozenset(
    """
    absentee_owner address adjustable_rate and apn assessed_improvement_value_max assessed_improvement_value_min
    assessed_land_value_max assessed_land_value_min assessed_value_max assessed_value_min assumable attic
    auction auction_date_max auction_date_min basement baths_max baths_min beds_max beds_min breezeway
    building_size_max building_size_min carport cash_buyer census_block census_block_group census_tract city
    construction corporate_owned county countyId death deck deck_area_max deck_area_min document_type_code
    equity_operator equity_percent equity_percent_operator estimated_equity estimated_equity_max
    estimated_equity_min exclude exists feature_balcony fips fire_sprinklers flood_zone flood_zone_type
    foreclosure foreclosure_date_max foreclosure_date_min free_clear garage high_equity hoa house id ids
    in_state_owner individual_owned inherited investor_buyer judgment last_sale_arms_length last_sale_date
    last_sale_date_max last_sale_date_min last_sale_date_operator last_sale_price_max last_sale_price_min
    last_update_date_max last_update_date_min latitude loan_type_code_first loan_type_code_second
    loan_type_code_third longitude lot_size_max lot_size_min ltv_max ltv_min median_income median_income_max
    median_income_min median_income_operator mfh_2to4 mfh_5plus mls_active mls_cancelled mls_days_on_market_max
    mls_days_on_market_min mls_listing_price mls_listing_price_max mls_listing_price_min
    mls_listing_price_operator mls_pending mls_sold mortgage_max mortgage_min multi_polygon negative_equity
    neighborhood_id neighborhood_name notice_type or out_of_state_owner parcel_account_number patio polygon pool
    pool_area_max pool_area_min portfolio_equity_max portfolio_equity_min portfolio_mortgage_balance_max
    portfolio_mortgage_balance_min portfolio_purchased_last12_max portfolio_purchased_last12_min
    portfolio_purchased_last6_max portfolio_purchased_last6_min portfolio_value_max portfolio_value_min
    pre_foreclosure pre_foreclosure_date_max pre_foreclosure_date_min prior_owner_individual
    prior_owner_months_owned_max prior_owner_months_owned_min private_lender properties_owned_max
    properties_owned_min property_type property_use_code quit_claim radius reo roof_construction_code
    roof_material_code rooms_max rooms_min rv_parking search_range searchType sewage sort state stateId
    stories_max stories_min street tax_delinquent_year_max tax_delinquent_year_min tax_lien title trust_owned
    units_max units_min usps_mail_state vacant value_max value_min water_source year_built_max year_built_min
    year_max year_min years_owned years_owned_max years_owned_min years_owned_operator zip
    """.split()  # noqa: SIM905  # 180 names read better so
)
