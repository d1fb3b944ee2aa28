"""Compare a converted file with its Keras model, layer by layer."""
