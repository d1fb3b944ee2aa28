"""Write one self-contained page about a training run and the bundle exported from it."""
