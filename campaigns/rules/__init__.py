"""What the gate thinks with. Pure: no database, no clock."""
