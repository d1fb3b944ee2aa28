"""Write one self-contained page about a bundle and the training run that it comes from."""
