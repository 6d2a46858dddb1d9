"""The dry run: what a campaign would do, to whom, when, at which price, and who is left out and why."""
