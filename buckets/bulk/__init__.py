"""Many leads moved or copied to a bucket."""
