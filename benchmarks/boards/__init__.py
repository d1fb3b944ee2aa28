"""The wheel on emulated Raspberry Pis, and what people measured on real boards."""
