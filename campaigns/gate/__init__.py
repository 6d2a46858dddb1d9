"""May this person be contacted now? Every rule, in one place, for every channel and every sender."""
