"""Make a bundle: prepare a job, evaluate every converted file, describe what was found, write the folder."""
