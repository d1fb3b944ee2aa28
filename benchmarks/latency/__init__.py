"""How long inference takes: engines, overhead, scaling, roofline, false positives of compare, training."""
