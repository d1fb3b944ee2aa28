"""From a Keras model to a verified bundle: freeze, convert, let every file answer, record."""
