"""What a property is called: parcel numbers, counties, street lines and places, each in one spelling. Pure."""
