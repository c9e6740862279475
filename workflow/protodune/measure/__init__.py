"""What a method's products are worth: measures against the truth, checks without it, averages and tables."""
