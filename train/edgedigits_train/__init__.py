"""The trainer: it trains digit and other image classifiers with Keras and writes a folder for each run."""
