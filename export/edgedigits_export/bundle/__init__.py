"""Make a bundle: run every converted file, compare it with Keras, describe it, write the folder."""
