"""A window slides over a map, and one number of each window is kept: the largest, or the mean."""

from cnnlib.widgets.pooled import Pooled
from cnnlib.widgets.sliding_kernel import LARGEST
from cnnlib.widgets.widget import Widget


class PoolingExplorer(Pooled, Widget):
    """Pooling, drawn: a map, a window, the pooled map, and how each of its numbers was made.

    Parameters
    ----------
    image : array of shape (H, W)
        One map of at most 16 x 16 numbers. The worked example's after ReLU by default.
    mode : "max" or "average"
        The largest value of each window, or the mean.
    kernel_size : int or (int, int)
        Rows and columns of the window.
    stride : int or (int, int)
        The window's size if None.
    padding, dilation, ceil_mode : as in `cnnlib.max_pool2d`
        An average has no dilation, as in torch.
    count_include_pad : bool
        Whether the padding's zeros count in an average.
    position : int
        The place in the pooled map, counted row by row from 0.
    predict : bool
        Hide the pooled map and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced with the page. To change several at once, assign inside
    `with widget.hold_trait_notifications():`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    LARGEST = LARGEST

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        size = "x".join(map(str, self.image.shape))
        return (
            f"PoolingExplorer: {self.mode} of {size}, {self.settings}\n{self.output.round(4) + 0}"
        )
