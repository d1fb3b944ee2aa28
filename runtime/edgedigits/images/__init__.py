"""From a picture to the pixels a model is fed."""
