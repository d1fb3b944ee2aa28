"""Scripts that run alone, each in the environment of one program that is compared with."""
