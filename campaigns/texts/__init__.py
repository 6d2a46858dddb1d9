"""Templates: the texts a team uses again, and what one looks like with somebody's values."""
