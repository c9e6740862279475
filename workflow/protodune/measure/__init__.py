"""What is measured of a method, against the truth and without it."""
