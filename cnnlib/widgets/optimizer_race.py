"""Four optimizers walk over the same surface, and every step can be traced to its sum."""

import math
from typing import Any

import traitlets

from cnnlib.widgets.widget import Widget

STEPS = 60


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
    position : int
        How many steps have been taken, at most 60.
    chosen : "SGD", "Momentum", "Nesterov" or "Adam"
        The optimizer whose sums are written out.
    predict : bool
        Hide where the chosen optimizer goes and ask for it first.

    """

    surface = traitlets.Enum(("valley", "saddle"), "valley").tag(sync=True)
    start = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(4.0, 1.0))
    start.tag(sync=True)
    lr = traitlets.Float(0.3).tag(sync=True)
    momentum = traitlets.Float(0.8).tag(sync=True)
    position = traitlets.Int(0, min=0, max=STEPS).tag(sync=True)
    chosen = traitlets.Enum(("SGD", "Momentum", "Nesterov", "Adam"), "SGD").tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)

    @traitlets.validate("start", "lr", "momentum")
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        x_y = value if name == "start" else (0, 0)
        fits = {
            "start": math.hypot(*x_y) < math.inf and abs(x_y[0]) <= 5 and abs(x_y[1]) <= 2,
            "lr": 0 < (value if name == "lr" else 1) <= 1,
            "momentum": 0 <= (value if name == "momentum" else 0) <= 0.98,
        }
        expected = {
            "start": "x from -5 to 5 and y from -2 to 2",
            "lr": "above 0 and at most 1",
            "momentum": "from 0 to 0.98",
        }
        if not fits[name]:
            raise traitlets.TraitError(
                f"OptimizerRace: {name} is {value}; expected {expected[name]}"
            )
        return value

    def __repr__(self) -> str:
        """State the data, so that a notebook's stored text can be compared."""
        return (
            f"OptimizerRace: {self.surface}, start {self.start}, lr {self.lr}, "
            f"momentum {self.momentum}"
        )
