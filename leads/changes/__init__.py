"""What has changed about a team's leads: written by the database with each of them, read by a program with a copy."""
