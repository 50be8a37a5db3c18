"""A recorded training, played back: curves, filters and predictions move together."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.records import record
from cnnlib.widgets.widget import Widget


def changes(runs: list[dict[str, Any]], widget: Widget) -> list[dict[str, Any]]:
    """The runs as the page takes them: of filters and probabilities only what changed.

    That is how many thousandths were added since the frame before, or since 0.
    """
    sent = []
    for run in runs:
        frames = [dict(frame) for frame in run["frames"]]
        for name in ("filters", "probabilities"):
            thousandths = np.rint(1000 * np.array([frame[name] for frame in frames])).astype(int)
            added = np.diff(thousandths, axis=0, prepend=np.zeros_like(thousandths[:1]))
            for frame, numbers in zip(frames, added.tolist(), strict=True):
                frame[name] = numbers
        sent.append({**run, "frames": frames})
    return sent


class TrainingPlayback(Widget):
    """Two trainings of one small network on scikit-learn's digits, with many images and with few.

    Parameters
    ----------
    run : int
        Which of `runs`: 0 with 1297 training images, 1 with 50.
    position : int
        The frame that is shown; each was recorded some steps after the one before.
    image : int
        Which of the validation images in `shown` has its probabilities drawn.
    zoom : bool
        Draw only the part of the curves where the validation loss is lowest, and what follows.

    The runs were recorded by tools/record_training.py. A frame has `step`, `loss` and `accuracy`
    (training, validation), `filters` (8, 3, 3) and `probabilities` (images, 10).

    """

    runs = traitlets.List(traitlets.Dict(), minlen=1).tag(sync=True, to_json=changes)
    shown = traitlets.Dict().tag(sync=True)
    run = traitlets.Int(0, min=0).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)
    image = traitlets.Int(0, min=0).tag(sync=True)
    zoom = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **kwargs: object) -> None:
        training = record("training")
        super().__init__(**{"runs": training["runs"], "shown": training["shown"], **kwargs})

    @traitlets.validate("run", "position", "image")
    def _exists(self, proposal: object) -> int:
        name, value = proposal.trait.name, proposal.value
        parts = {
            "run": self.runs,
            "position": min((run["frames"] for run in self.runs), key=len),
            "image": self.shown["images"],
        }
        if value >= len(parts[name]):
            raise traitlets.TraitError(
                f"TrainingPlayback: {name} is {value}; expected at most {len(parts[name]) - 1}"
            )
        return value

    def __repr__(self) -> str:
        """State where each run ends, so that a notebook's stored text can be compared."""
        lines = (
            f"{run['name']}: after {run['frames'][-1]['step']} steps, "
            "training and validation loss {:.4f} and {:.4f}".format(*run["frames"][-1]["loss"])
            for run in self.runs
        )
        return "\n".join(["TrainingPlayback:", *lines])
