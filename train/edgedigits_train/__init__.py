"""Train digit and other image classifiers with Keras: data in, a run folder with model, record and pictures out."""
