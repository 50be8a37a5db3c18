"""Stands in for scikit-learn, of which the book takes the data."""
