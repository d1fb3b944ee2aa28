"""Read, inspect, freeze and calibrate a Keras model, so that it can be converted."""
