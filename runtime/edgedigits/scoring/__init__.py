"""Scoring archives: any number of pictures become rows of Parquet files, on one machine or on a Ray cluster."""
