"""Find the cheapest integer file whose loss of accuracy is within the margin."""
