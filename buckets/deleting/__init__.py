"""A bucket deleted: at once for everybody, in pieces for PostgreSQL."""
