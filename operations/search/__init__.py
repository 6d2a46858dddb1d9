"""One search over what a team works with: leads, their owners, buckets, enrichment jobs, campaigns."""
