"""Train on digits in order and shuffled: with neighbors or without, with places or without.

    python -m tools.record_shuffle [folder]

Writes shuffle.json into the folder, `assets` unless another is named. Takes minutes.
"""

from itertools import product

from tqdm import tqdm

from tools import recording

CHAPTER = recording.of_chapter("why_convolution", "why-imports", "why-data", "why-fit")
ORDERS = {"in order": CHAPTER.canvases, "shuffled": CHAPTER.shuffled}
SEEDS = range(3)


def shuffle_run(name: str, order: str, seed: int) -> float:
    """The share of test images that a network of the chapter reads right."""
    network, lr = CHAPTER.networks[name]
    return recording.rounded(CHAPTER.train(network(seed), ORDERS[order], seed, lr))


def make(runs: recording.Runs) -> dict:
    """Every network, in order and shuffled, with every seed."""
    trained = [
        {
            "network": name,
            "order": order,
            "right": [runs(shuffle_run, name, order, s) for s in SEEDS],
        }
        for name, order in tqdm(list(product(CHAPTER.networks, ORDERS)), "shuffle")
    ]
    return recording.settings() | {
        "network": "those of the chapter why_convolution",
        "optimizer": "Adam",
        "seed": list(SEEDS),
        "images": {"train": recording.TRAIN, "test": len(CHAPTER.labels) - recording.TRAIN},
        "seconds": runs.seconds,
        "runs": trained,
    }


if __name__ == "__main__":
    recording.main("shuffle", make)
