"""A team's own facts of its leads: what they are called, what they hold, and how they are asked for."""
