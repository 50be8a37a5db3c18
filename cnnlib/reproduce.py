"""Results of the book, made again from the original images: recipes, and a command to follow one.

    python -m cnnlib.reproduce mnist

trains with three seeds, shows a bar, goes on where it was killed, and writes what came out to
assets/NAME.json. With --images FOLDER it takes the pictures in the folder in place of the original
data, and the record says so. With --validate it trains without the last 10,000 training images and
measures on those: settings are chosen so, and the test images stay unseen.
"""

import argparse
import base64
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

import cnnlib
from cnnlib.checkpoints import replace
from cnnlib.classifiers import RECIPES, Recipe
from cnnlib.data import Split


def load(recipe: Recipe, validate: bool = False, folder: Path | None = None) -> tuple[Split, Split]:
    """What is trained on, and what is measured on: the test images, or those held out.

    folder: has pictures in place of the original data, in train/CLASS and test/CLASS.
    """
    mean, std = (np.float32(number) for number in recipe.mean_std)
    splits = pictures(folder) if folder else getattr(cnnlib, recipe.data)()
    train, test = (split._replace(images=(split.images - mean) / std) for split in splits)
    if not validate:
        return train, test
    held_out = min(10_000, len(train.images) // 6)
    rest, last = slice(-held_out), slice(-held_out, None)
    kept = Split(train.images[rest], train.labels[rest])
    return kept, Split(train.images[last], train.labels[last])


def pictures(folder: Path) -> list[Split]:
    """The pictures of 32x32 in two folders, train and test, in an order that mixes the classes."""
    splits = []
    for part in ("train", "test"):
        found = cnnlib.image_folder(folder / part, 32, report=False)
        order = np.random.default_rng(0).permutation(len(found.images))
        splits.append(Split(found.images[order], found.labels[order]))
    return splits


def vary(recipe: Recipe, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images as the recipe's augmentation changes them."""
    for name in recipe.augment:
        images = getattr(cnnlib, name)(images, rng)
    return images


def round_weights(network: cnnlib.Layer, levels: int) -> None:
    """Round each array of weights to `levels` equal steps up to its largest, and as many below 0.

    What adds (biases) or belongs to a channel (batch normalization) stays as it is.
    """
    for parameter in network.parameters():
        if parameter.data.ndim > 1:
            step = np.abs(parameter.data).max() / levels or 1  # if all are 0
            parameter.data = np.round(parameter.data / step) * step


def train(
    recipe: Recipe, seed: int, data: tuple[Split, Split], validate: bool, checkpoint: Path,
    progress: bool = True,
) -> tuple[cnnlib.Sequential, dict[str, Any]]:  # fmt: skip
    """Follow the recipe once, or go on from the checkpoint; the network, and what is recorded."""
    network = recipe.network(rng=np.random.default_rng(seed))
    images, unseen = data
    optimizer = getattr(cnnlib, recipe.optimizer)(network.parameters(), **recipe.options)
    steps = recipe.epochs * -(-len(images.labels) // recipe.batch_size)
    schedule = cnnlib.OneCycleLR(optimizer, recipe.one_cycle, steps) if recipe.one_cycle else None
    loss = cnnlib.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)

    def augment(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return vary(recipe, images, rng)

    start, resumed = time.process_time(), checkpoint.exists()
    history = cnnlib.fit(
        network, loss, optimizer, images, unseen if validate else None, recipe.epochs,
        batch_size=recipe.batch_size, seed=seed, schedule=schedule, augment=augment,
        checkpoint=checkpoint, progress=progress,
    )  # fmt: skip
    seconds = None if resumed else round(time.process_time() - start)
    run = finish(network, unseen, recipe.levels) | {"history": asdict(history), "seconds": seconds}
    if recipe.pictures and seed == 0 and not validate:
        wrong = unseen.images[[index for index, *_ in run["mistakes"]]]
        pixels = np.round(wrong * 255).astype(np.uint8)
        run["pictures"] = [base64.b64encode(image.tobytes()).decode() for image in pixels]
    return network, run


def finish(network: cnnlib.Layer, unseen: Split, levels: int | None) -> dict[str, Any]:
    """Round the weights to `levels`, if it is given, and return what `measure` does.

    `unrounded` has the loss and the accuracy before, and how many images became right and wrong.
    """
    run = measure(network, unseen)
    if levels is None:
        return run
    before, wrong = run, {index for index, *_ in run["mistakes"]}
    round_weights(network, levels)
    run = measure(network, unseen)
    now = {index for index, *_ in run["mistakes"]}
    unrounded = {name: before[name] for name in ("loss", "accuracy")}
    return run | {"unrounded": unrounded | {"gained": len(wrong - now), "lost": len(now - wrong)}}


def measure(network: cnnlib.Layer, unseen: Split) -> dict[str, Any]:
    """What a trained network gives, and where it was measured.

    `mistakes` has a row for each image that it got wrong: its index, its class, what it was called.
    """
    found = cnnlib.evaluate(network, unseen)
    with network.inference():
        outputs = [network(x) for x, _ in cnnlib.batches(*unseen, 500)]
    said = np.concatenate(outputs).argmax(axis=1)
    wrong = np.flatnonzero(said != unseen.labels)
    return {
        "loss": found.loss,
        "accuracy": found.accuracy,
        "confusion": found.confusion.tolist(),
        "mistakes": np.stack([wrong, unseen.labels[wrong], said[wrong]], axis=1).tolist(),
        "versions": {name: version(name) for name in ("cnnlib", "numpy")},
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
    }


def read(path: Path) -> dict[str, Any]:
    """The record so far; raises ValueError when it was made by other settings."""
    recipe = RECIPES[path.stem]
    parameters = sum(parameter.data.size for parameter in recipe.network().parameters())
    settings = asdict(recipe) | {"network": recipe.network.__name__, "parameters": parameters}
    fresh = json.loads(json.dumps({"name": path.stem, "settings": settings, "runs": []}))
    record = json.loads(path.read_text("utf-8")) if path.exists() else fresh
    if record["settings"] != fresh["settings"]:
        raise ValueError(f"reproduce: {path} is of other settings; move it away to begin anew")
    return record


def follow(
    words: Sequence[str] | None, library: str, train: Callable[..., tuple], progress: bool = True
) -> None:
    """Read the command line, and let `train` make each run that the record does not have."""
    parser = argparse.ArgumentParser(description=f"Train by a recipe, in {library}.")
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED")
    parser.add_argument("--validate", action="store_true", help="hold out training images")
    parser.add_argument("--folder", type=Path, default=Path("assets"), help="of the record")
    parser.add_argument("--images", type=Path, help="folder of pictures in place of the data")
    options = parser.parse_args(words)
    if options.images and RECIPES[options.name].data != "cifar10":
        parser.error(f"--images has photographs; {options.name} is trained on gray images")
    options.folder.mkdir(parents=True, exist_ok=True)
    path, recipe = options.folder / f"{options.name}.json", RECIPES[options.name]
    order = ("validate", "library", "seed")
    data, source = None, options.images.name if options.images else None
    for seed in options.seeds:
        key = {"library": library, "seed": seed, "validate": options.validate}
        runs = [run for run in read(path)["runs"] if run.get("images") == source]
        done = [run for run in runs if key.items() <= run.items()]
        if not done:
            name = "-".join(map(str, (path.stem, *key.values(), source or "original")))
            checkpoint = path.with_name(f"{name}.checkpoint")
            data = data or load(recipe, options.validate, options.images)
            network, run = train(recipe, seed, data, options.validate, checkpoint, progress)
            if source:
                run["images"] = source
            done = [json.loads(json.dumps(key | run), parse_float=lambda x: round(float(x), 5))]
            if key == {"library": recipe.keep, "seed": 0, "validate": False}:
                save(network, path.with_suffix(".safetensors"))
            record = read(path)  # again: another library may have added to it
            record["runs"] = sorted(record["runs"] + done, key=lambda run: [run[k] for k in order])
            replace(path, json.dumps(record, separators=(",", ":")).encode())
            checkpoint.unlink(missing_ok=True)
        print(f"{path.stem}, {key}: loss {done[0]['loss']:.4f}, {done[0]['accuracy']:.2%} right")


def save(network: cnnlib.Layer, path: Path) -> None:
    """Write the weights as float16, half as many bytes as float32."""
    half = {
        name: array.astype(np.float16) if array.dtype == np.float32 else array
        for name, array in network.state_dict().items()
    }
    replace(path, safetensors.numpy.save(half))


if __name__ == "__main__":
    follow(None, "cnnlib", train)
