"""Ask trained and untrained networks of the chapter attribution where they look, layer by layer.

    python -m tools.record_attribution [folder]

Writes attribution.json into the folder, `assets` unless another is named. Takes minutes.
"""

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import rounded

CELLS = ("cell-01", "canvas", "network", "cam", "hits", "ig", "probe", "numbers")
CHAPTER = recording.of_chapter("attribution", *CELLS)
SEEDS, IG_STEPS = range(3), 10
# After so many layers: what there is to read.
LAYERS = {
    "pixels": 0,
    "first convolution": 4,
    "second convolution": 7,
    "third convolution": 10,
    "global pooling": 12,
}


def canvases() -> tuple[np.ndarray, np.ndarray]:
    """The canvases of the chapter, and where their digits are."""
    return CHAPTER.placed(CHAPTER.unseen, np.random.default_rng(9))


def pointing(network: cnnlib.Sequential) -> dict[str, float]:
    """The share of right answers, and of the maps whose largest number lies on the digit."""
    x, corners = canvases()
    k = network(x).argmax(axis=1)
    slopes = CHAPTER.saliency(network, x, k)
    maps = {
        "CAM": CHAPTER.cam(network, x, k),
        "size of the slope": np.abs(slopes),
        "slope times pixel": slopes * x[:, 0],
        "integrated, black": CHAPTER.integrated(network, x, k, 0.0, IG_STEPS),
        "integrated, white": CHAPTER.integrated(network, x, k, 1.0, IG_STEPS),
    }
    shares = {name: rounded(CHAPTER.hits(one, corners)) for name, one in maps.items()}
    return {"right": rounded((k == CHAPTER.truth).mean())} | shares


def network_run(kind: str, seed: int) -> dict:
    """A network, "trained" or "untrained": where it looks, and what probes find in its layers."""
    trained = kind == "trained"
    network = CHAPTER.train(seed) if trained else CHAPTER.make_network(100 + seed)
    probed = [CHAPTER.probed(network, layers) for layers in LAYERS.values()]
    return {
        "pointing": pointing(network),
        "numbers": [count for count, _ in probed],
        "probes": [rounded(share) for _, share in probed],
    }


def make(runs: recording.Runs) -> dict:
    """Both kinds of network with every seed."""
    kinds = ("trained", "untrained")
    found = {kind: [runs(network_run, kind, seed) for seed in tqdm(SEEDS, kind)] for kind in kinds}
    first, (x, corners) = found["trained"][0], canvases()
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), BatchNorm2d, ReLU, MaxPool2d(2), "
        "Conv2d(8, 16, 3, padding=1), BatchNorm2d, ReLU, Conv2d(16, 32, 3, padding=1), "
        "BatchNorm2d, ReLU, GlobalAvgPool2d, Flatten, Linear(32, 10)",
        "optimizer": "AdamW",
        "seed": list(SEEDS),
        "images": {"train": len(CHAPTER.known[0]), "test": len(x)},
        "brightest": rounded(CHAPTER.hits(x[:, 0], corners)),
        "pointing": {
            name: {kind: [run["pointing"][name] for run in found[kind]] for kind in kinds}
            for name in first["pointing"]
        },
        "probes": [
            {"layer": layer, "numbers": first["numbers"][n]}
            | {kind: [run["probes"][n] for run in found[kind]] for kind in kinds}
            for n, layer in enumerate(LAYERS)
        ],
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("attribution", make)
