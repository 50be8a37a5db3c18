"""The same training with nine learning rates, recorded, to choose from with a slider."""

import traitlets

from cnnlib.records import record
from cnnlib.widgets.widget import Widget


class LearningRate(Widget):
    """Loss curves of one small network on scikit-learn's digits, one for each learning rate.

    The runs were recorded by tools/record_learning_rate.py; `runs` holds for each its `lr`, the
    `loss` of each batch and the final `accuracy` in validation. `chosen` is the index of the run
    that is drawn in bold.
    """

    runs = traitlets.List(traitlets.Dict(), minlen=1).tag(sync=True)
    chosen = traitlets.Int(0, min=0).tag(sync=True)
    compare = traitlets.Bool(True).tag(sync=True)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"runs": record("learning_rate")["runs"], **kwargs})

    @traitlets.validate("chosen")
    def _exists(self, proposal: object) -> int:
        if proposal.value >= len(self.runs):
            raise traitlets.TraitError(
                f"LearningRate: chosen is {proposal.value}; expected at most {len(self.runs) - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the runs, so that a notebook's stored text can be compared."""
        lines = (
            f"learning rate {run['lr']:g}: loss {run['loss'][0]:.4f} to {run['loss'][-1]:.4f}, "
            f"accuracy {run['accuracy']:.3f}"
            for run in self.runs
        )
        return "\n".join(["LearningRate:", *lines])
