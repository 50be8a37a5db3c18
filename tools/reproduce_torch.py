"""Train the source's two classifiers in PyTorch, by the recipes of cnnlib.reproduce.

    python tools/reproduce_torch.py mnist_421k

adds PyTorch's runs to the records that `python -m cnnlib.reproduce` writes. The trained weights
are measured by cnnlib's `evaluate`.
"""

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

import cnnlib
from cnnlib import reproduce


def train(
    recipe: reproduce.Recipe, seed: int, validate: bool, checkpoint: Path, progress: bool
) -> tuple[cnnlib.Sequential, dict[str, Any]]:
    """Follow the recipe once, from the beginning: `checkpoint` is not used."""
    if recipe.one_cycle or recipe.augment:
        raise SystemExit("reproduce_torch: NAME expects mnist_421k or mnist_149k")
    torch.manual_seed(seed)
    network, (data, unseen) = recipe.network(nn), reproduce.load(recipe, validate)
    images, labels = map(torch.from_numpy, data)
    optimizer = getattr(torch.optim, recipe.optimizer)(network.parameters(), **recipe.options)
    history, start = {"loss": [], "accuracy": []}, time.process_time()
    for epoch in range(recipe.epochs):
        losses, right = 0.0, 0
        order = torch.randperm(len(images)).split(recipe.batch_size)
        for chosen in tqdm(order, f"epoch {epoch + 1}/{recipe.epochs}", disable=not progress):
            optimizer.zero_grad()
            output, target = network(images[chosen]), labels[chosen]
            loss = nn.functional.cross_entropy(output, target)
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(chosen)
            right += int((output.argmax(1) == target).sum())
        history["loss"].append(losses / len(images))
        history["accuracy"].append(right / len(images))
    seconds = round(time.process_time() - start)
    twin = recipe.network()
    twin.load_state_dict({name: np.asarray(value) for name, value in network.state_dict().items()})
    run = reproduce.measure(twin, unseen) | {"history": history, "seconds": seconds}
    run["versions"]["torch"] = version("torch").split("+")[0]
    return twin, run


if __name__ == "__main__":
    reproduce.follow(None, "torch", train)
