"""The API of datasets, training runs and models."""
