"""From approval to the results."""
