"""The locator: a network that finds all digits of a picture, its training examples and its training."""
