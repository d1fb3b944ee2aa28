"""Export a Keras model as a verified bundle: prepare, convert, evaluate, describe, write."""
