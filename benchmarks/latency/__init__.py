"""How long inference takes: engines, overhead, scaling, roofline, LoadGen, false positives of compare, training."""
