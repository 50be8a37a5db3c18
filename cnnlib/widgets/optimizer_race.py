"""Four optimizers walk over the same surface, and every step can be traced to its sum."""

import math
from typing import Any

import numpy as np
import traitlets

from cnnlib import checks
from cnnlib.layer import Parameter
from cnnlib.optimizers import SGD, Adam
from cnnlib.widgets import links
from cnnlib.widgets.widget import Widget

STEPS = 60
SLOPES = {
    "valley": lambda x, y: (x / 10, 4 * y),
    "saddle": lambda x, y: (x / 5, y**3 - y),
}


def noise(seed: int, count: int) -> np.ndarray:
    """Return `count` numbers by chance, with mean 0 and variance 1, the same as in the page.

    Each is the sum of twelve numbers from 0 to 1, less 6. These come from the generator
    1664525 * state + 1013904223 modulo 2**32 (Numerical Recipes), whose fractions a double holds
    exactly.
    """
    state, uniform = seed, []
    for _ in range(12 * count):
        state = (1664525 * state + 1013904223) % 2**32
        uniform.append(state / 2**32)
    return np.reshape(uniform, (count, 12)).sum(axis=1) - 6


class OptimizerRace(Widget):
    """SGD, momentum, Nesterov and Adam from the same start on a surface over the plane.

    Parameters
    ----------
    surface : "valley" or "saddle"
        x^2/20 + 2y^2, or x^2/10 + y^4/4 - y^2/2.
    start : (float, float)
        Where all begin: x from -5 to 5, y from -2 to 2.
    lr : float
        The learning rate of all four, above 0 and at most 1.
    momentum : float
        Of momentum and Nesterov, from 0 to 0.98. Adam has its usual betas, 0.9 and 0.999.
    noise : float
        How far each gradient is off by chance, in x and in y, from 0 to 2; the same for all four.
    seed : int
        Which noise, from 0 on.
    position : int
        How many steps have been taken, at most 60.
    chosen : "SGD", "Momentum", "Nesterov" or "Adam"
        The optimizer whose sums are written out.
    predict : bool
        Hide where the chosen optimizer goes and ask for it first.

    """

    surface = traitlets.Enum(("valley", "saddle"), "valley").tag(sync=True)
    start = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(4.0, 1.0))
    start.tag(sync=True, link={"prefixItems": [links.between(-5, 5), links.between(-2, 2)]})
    lr = traitlets.Float(0.3).tag(sync=True, link={"exclusiveMinimum": 0, "maximum": 1})
    momentum = traitlets.Float(0.8).tag(sync=True, link=links.between(0, 0.98))
    noise = traitlets.Float(0.0).tag(sync=True, link=links.between(0, 2))
    seed = traitlets.Int(0, min=0, max=2**32 - 1).tag(sync=True)
    position = traitlets.Int(0, min=0, max=STEPS).tag(sync=True)
    chosen = traitlets.Enum(("SGD", "Momentum", "Nesterov", "Adam"), "SGD").tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)

    @traitlets.validate("start", "lr", "momentum", "noise")
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        x_y = value if name == "start" else (0, 0)
        fits = {
            "start": math.hypot(*x_y) < math.inf and abs(x_y[0]) <= 5 and abs(x_y[1]) <= 2,
            "lr": 0 < (value if name == "lr" else 1) <= 1,
            "momentum": 0 <= (value if name == "momentum" else 0) <= 0.98,
            "noise": 0 <= (value if name == "noise" else 0) <= 2,
        }
        expected = {
            "start": "x from -5 to 5 and y from -2 to 2",
            "lr": "above 0 and at most 1",
            "momentum": "from 0 to 0.98",
            "noise": "from 0 to 2",
        }
        if not fits[name]:
            raise traitlets.TraitError(
                f"OptimizerRace: {name} is {value}; expected {expected[name]}"
            )
        return value

    def path(self, name: str) -> np.ndarray:
        """Return the places of an optimizer as the page draws them: shape (61, 2), the start first.

        Raises ValueError for a name that is none of the four.
        """
        place, momentum = Parameter(np.array(self.start)), self.momentum
        make = {
            "SGD": lambda: SGD([place], self.lr),
            "Momentum": lambda: SGD([place], self.lr, momentum),
            "Nesterov": lambda: SGD([place], self.lr, momentum, nesterov=momentum > 0),
            "Adam": lambda: Adam([place], self.lr),
        }
        checks.choice("OptimizerRace.path", "name", name, tuple(make))
        optimizer, places = make[name](), [place.data.copy()]
        for off in self.noise * noise(self.seed, 2 * STEPS).reshape(STEPS, 2):
            place.grad = np.array(SLOPES[self.surface](*place.data)) + off
            optimizer.step()
            places.append(place.data.copy())
        return np.array(places)

    def __repr__(self) -> str:
        """State the data, so that a notebook's stored text can be compared."""
        noise = f", noise {self.noise:g}, seed {self.seed}" if self.noise else ""
        return (
            f"OptimizerRace: {self.surface}, start {self.start}, lr {self.lr}, "
            f"momentum {self.momentum}{noise}"
        )
