"""The calendar: callbacks, reminders and appointments of a person."""
