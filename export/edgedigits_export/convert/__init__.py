"""Convert a frozen Keras model to TFLite and ONNX files that keep one contract."""
