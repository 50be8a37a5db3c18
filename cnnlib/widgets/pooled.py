"""What the two widgets of pooling share: a map, how it is pooled, and what of it is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import relu
from cnnlib.convolution import conv2d
from cnnlib.pooling import avg_pool2d, max_pool2d
from cnnlib.widgets.sliding_kernel import Pair
from cnnlib.widgets.widget import Array, Predicting

GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


def worked_map() -> np.ndarray:
    """Return the worked example's map after ReLU, shape (4, 4)."""
    x, weight = worked_example.image[None], worked_example.kernel[None, None]
    return relu(conv2d(x, weight, np.array([worked_example.bias])))[0]


class Pooled(Predicting):
    """The traits of a map and of its pooling, each judged together with the others.

    `LARGEST` is the most rows or columns of an image; `walked` is what `position` counts through.
    """

    LARGEST: int

    image = Array({2: ()}, "(rows, columns)")
    mode = traitlets.Enum(("max", "average"), "max").tag(sync=True)
    kernel_size = Pair(2, least=1)
    stride = Pair(2, least=1)
    padding = Pair(0, least=0)
    dilation = Pair(1, least=1)
    ceil_mode = traitlets.Bool(False).tag(sync=True)
    count_include_pad = traitlets.Bool(True).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(
        self, image: Any = None, kernel_size: Any = 2, stride: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(
            image=worked_map() if image is None else image,
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            **kwargs,
        )

    @property
    def output(self) -> np.ndarray:
        """The pooled map, computed by `cnnlib.max_pool2d` or `cnnlib.avg_pool2d`."""
        return self._pool({})

    @property
    def walked(self) -> np.ndarray:
        """The array whose numbers `position` counts."""
        return self.output

    @property
    def settings(self) -> str:
        """The options as text; a maximum does not depend on `count_include_pad`."""
        names = GEOMETRY if self.mode == "max" else (*GEOMETRY, "count_include_pad")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)

    def _pool(self, changes: dict[str, Any]) -> np.ndarray:
        return self._call({"max": max_pool2d, "average": avg_pool2d}, changes)

    def _call(
        self, functions: dict[str, Callable], changes: dict[str, Any], *grad: np.ndarray
    ) -> np.ndarray:
        """Call the mode's function with (*grad, image) and the options that it has."""
        names = ("image", "mode", "count_include_pad", *GEOMETRY)
        traits = {name: getattr(self, name) for name in names} | changes
        mode = traits.pop("mode")
        arrays = [array.astype(float)[None] for array in (*grad, traits.pop("image"))]
        if mode == "max":
            del traits["count_include_pad"]
        elif (dilation := traits.pop("dilation")) not in (1, (1, 1)):
            raise ValueError(f"An average has no dilation; expected 1, dilation is {dilation}")
        return functions[mode](*arrays, **traits)[0]

    @traitlets.validate("image", "mode", *GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name == "image" and max(value.shape) > self.LARGEST:
            raise traitlets.TraitError(
                f"{type(self).__name__}: image has shape {value.shape}; "
                f"expected at most {self.LARGEST} rows and {self.LARGEST} columns"
            )
        self._shape(name, {name: value})
        return value

    def _shape(self, name: str, changes: dict[str, Any]) -> tuple[int, ...]:
        """The pooled map's shape with the changes; a refusal names the argument `name`."""
        try:
            return self._pool(changes).shape
        except ValueError as error:
            owner = type(self).__name__
            raise traitlets.TraitError(f"{owner}: {name} does not fit. {error}") from None

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int:
        count = self.walked.size
        if proposal.value >= count:
            raise traitlets.TraitError(
                f"{type(self).__name__}: position is {proposal.value}; expected at most {count - 1}"
            )
        return proposal.value
