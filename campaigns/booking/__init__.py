"""Hours, pages where owners book an appointment, and calendars that other programs read."""
