"""A Keras model, read, inspected, frozen into one graph and calibrated, ready to be converted."""
