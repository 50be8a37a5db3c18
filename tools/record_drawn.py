"""Draw digits by a program with the page's pen, and record how sure and how right the network is.

    CNNLIB_DATA=folder python -m tools.record_drawn [folder]

Writes drawn.json into the folder, `assets` unless another is named. The program is the chapter's,
draw_a_digit; each drawing is made again from its seed, its number and its setting. MNIST's test
images, in parts of as many, are the control. Run it again whenever assets/mnist.safetensors is new;
it takes minutes.
"""

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.record_calibration import made, measured
from tools.record_examples import in_parts
from tools.recording import rounded

CHAPTER = recording.of_chapter("draw_a_digit", "imports", "cell-09", "drawn-ways")
SEEDS, DRAWINGS = (0, 1, 2), 300
SETTINGS = {  # what is not as usual
    "as usual": {},
    "fine pen": {"width": 0.035},
    "thick pen": {"width": 0.15},
    "upright": {"slant": 0},
    "slanted": {"slant": 0.6},
    "steady": {"tremble": 0},
    "shaky": {"tremble": 0.02},
}


def answered(setting: str, seed: int, drawings: int = DRAWINGS) -> dict:
    """So many drawings: how each is written, and its logits."""
    each = [CHAPTER.drawing(seed, number, **SETTINGS[setting]) for number in range(drawings)]
    images = np.array([cnnlib.center_digit(pad) for _, pad in each], np.float32)
    logits = in_parts(CHAPTER.network, images[:, None])
    return {"ways": [way for way, _ in each], "logits": logits.tolist()}


def by_chance(logits: np.ndarray) -> float:
    """The calibration error of a network that keeps its word: 95 of 100 draws are below."""
    confidence = cnnlib.softmax(logits).max(axis=1)
    rng = np.random.default_rng(0)
    errors = [
        cnnlib.expected_calibration_error(confidence, rng.random(len(logits)) < confidence)
        for _ in range(1000)
    ]
    return rounded(np.quantile(errors, 0.95))


def mistakes(setting: str, seed: int, run: dict) -> list[dict]:
    """The drawings that are read wrong: how each is written, what it is taken for, how surely."""
    p = cnnlib.softmax(np.array(run["logits"]))
    return [
        {
            "setting": setting,
            "seed": seed,
            "number": number,
            "way": way,
            "answer": int(p[number].argmax()),
            "confidence": rounded(p[number].max()),
        }
        for number, way in enumerate(run["ways"])
        if p[number].argmax() != number % 10
    ]


def asked(setting: str, found: list[dict]) -> dict:
    """What is recorded of a setting: of the drawings of all seeds, and of those of each."""
    each = [np.array(run["logits"]) for run in found]
    labels = np.arange(len(each[0])) % 10
    logits = np.concatenate(each)
    return {
        "setting": setting,
        **made(logits, np.tile(labels, len(each))),
        "by_chance": by_chance(logits),
        "seeds": [measured(one, labels) for one in each],
    }


def control() -> list[dict]:
    """MNIST's test images, in parts of as many as there are drawings of a seed."""
    _, (images, labels) = cnnlib.mnist()
    logits = in_parts(CHAPTER.network, images)
    return [
        measured(logits[start : start + DRAWINGS], labels[start : start + DRAWINGS])
        for start in range(0, len(labels) - DRAWINGS + 1, DRAWINGS)
    ]


def make(runs: recording.Runs) -> dict:
    """All settings with every seed, and the control."""
    found = {
        setting: [runs(answered, setting, seed) for seed in SEEDS] for setting in tqdm(SETTINGS)
    }
    ways = [way for run in found["as usual"] for way in run["ways"]]
    return {
        "seeds": list(SEEDS),
        "ways": {way: ways.count(way) for way in CHAPTER.WAYS},
        "settings": [asked(setting, runs_) for setting, runs_ in found.items()],
        "mistakes": [
            mistake
            for setting, runs_ in found.items()
            for seed, run in zip(SEEDS, runs_, strict=True)
            for mistake in mistakes(setting, seed, run)
        ],
        "mnist": control(),
        "versions": recording.settings()["versions"],
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("drawn", make)
