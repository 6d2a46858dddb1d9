"""A team's own words for how far a lead has come, and the board that shows leads by them."""
