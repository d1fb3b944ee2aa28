"""The training set: images, augmentation and the epochs drawn from them."""
