"""What a detector is, as an object that is passed on."""
