"""Train the small network of the chapter gradients with nine learning rates: every loss.

    python -m tools.record_learning_rate [folder]

Writes learning_rate.json into the folder, `assets` unless another is named. Takes seconds.
"""

from itertools import islice

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
EPOCHS = 6


def learning_rate_run(lr: float, steps: int) -> dict:
    """The losses of training with `lr`, up to one that is not finite, and the final accuracy."""
    network, (train, validation) = recording.small_network(), recording.digits()
    values = []
    with np.errstate(all="ignore"):  # too large a rate overflows, which is what is to be seen
        for value in islice(recording.losses(network, train, lr), steps):
            if not np.isfinite(value):
                break
            values.append(recording.rounded(value))
        accuracy = cnnlib.evaluate(network, validation).accuracy
    return {"lr": lr, "loss": values, "accuracy": recording.rounded(accuracy)}


def make(runs: recording.Runs) -> dict:
    """One run for each learning rate."""
    steps = EPOCHS * -(-recording.TRAIN // recording.BATCH_SIZE)
    trained = [runs(learning_rate_run, lr, steps) for lr in tqdm(RATES, "learning rates")]
    return recording.settings() | {"steps": steps, "runs": trained}


if __name__ == "__main__":
    recording.main("learning_rate", make)
