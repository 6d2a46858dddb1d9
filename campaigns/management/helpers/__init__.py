"""What commands of campaigns share."""
