"""Many leads enriched, by runs, or deleted, with what runs count of them."""
