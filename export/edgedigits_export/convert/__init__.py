"""Convert a frozen Keras model to TFLite and ONNX files that all have one contract."""
