"""The network architectures, and building one for an image size and a number of classes."""
