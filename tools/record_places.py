"""Train on pictures of one place and of two, and ask about a place that was not seen.

    python -m tools.record_places [folder]

Writes places.json into the folder, `assets` unless another is named. Takes minutes.
"""

import numpy as np
from tqdm import tqdm

from tools import recording
from tools.recording import rounded

CELLS = ("cell-01", "cell-03", "cell-05", "cell-13", "cell-17")
CHAPTER = recording.of_chapter("your_own_images", *CELLS)
SEEDS = range(3)
PLACES = "abc"


def place_run(known: str, count: int, varied: bool, seed: int) -> dict[str, float]:
    """Trained on the first `count` pictures of each known place and class: right, by new place."""
    places, number = CHAPTER.places, CHAPTER.number
    chosen = np.flatnonzero(np.isin(places, list(known)) & (number < count))
    network = CHAPTER.train(chosen, seed, CHAPTER.vary if varied else None)
    new = [place for place in PLACES if place not in known]
    return {p: rounded(CHAPTER.accuracy(network, np.flatnonzero(places == p))) for p in new}


def shuffled_run(seed: int) -> float:
    """Trained on two thirds of all pictures, whatever their place: right, of the rest."""
    order = np.random.default_rng(seed).permutation(len(CHAPTER.places))
    cut = len(order) * 2 // 3
    return rounded(CHAPTER.accuracy(CHAPTER.train(order[:cut], seed), order[cut:]))


def make(runs: recording.Runs) -> dict:
    """The usual split, then each place and each pair of places with equally many steps."""
    pairs = [PLACES.replace(place, "") for place in PLACES]
    choices = [(known, 5, False) for known in PLACES] + [(known, 30, False) for known in PLACES]
    choices += [
        (pair, count, varied)
        for count, varied in ((15, False), (15, True), (30, False))
        for pair in pairs
    ]
    trained = [
        {"known": known, "of_each": count, "varied": varied}
        | {"right": [runs(place_run, known, count, varied, seed) for seed in SEEDS]}
        for known, count, varied in tqdm(choices, "places")
    ]
    return recording.settings() | {
        "network": "Conv2d(3, 8, 3), ReLU, MaxPool2d(2), Conv2d(8, 16, 3), ReLU, MaxPool2d(2), "
        "Flatten, Linear(144, 5)",
        "optimizer": "Adam",
        "batch_size": 20,
        "seed": list(SEEDS),
        "images": {"all": len(CHAPTER.places)},
        "shuffled": [runs(shuffled_run, seed) for seed in SEEDS],
        "seconds": runs.seconds,
        "runs": trained,
    }


if __name__ == "__main__":
    recording.main("places", make)
