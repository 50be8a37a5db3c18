"""Stands in for IPython, which ipywidgets and matplotlib ask for their place."""

from IPython import display as display

version_info = (9, 0, 0)


def get_ipython() -> None:
    """There is no IPython here."""
