"""What chapters take from IPython."""

from typing import Any

import runner


def display(*values: Any, **options: Any) -> None:
    """Show values in the page."""
    runner.kernel.display(*values, **options)


def clear_output(wait: bool = False) -> None:
    """Remove what the cell has shown so far."""
    runner.kernel.clear(wait)


class HTML:
    """A text that is shown as HTML."""

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        return self.data
