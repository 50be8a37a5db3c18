"""What the tests of several widgets share."""

import pytest
import traitlets


def check_refused(widget, name, value, message):
    """A value that cannot be drawn is refused in words, and the widget keeps the one it had."""
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(widget, name, value)
    assert getattr(widget, name) is before
