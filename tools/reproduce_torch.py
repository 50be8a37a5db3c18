"""Train in PyTorch, by the recipes of cnnlib.reproduce.

    python tools/reproduce_torch.py mnist_421k

adds PyTorch's runs to the records that `python -m cnnlib.reproduce` writes. One that is killed goes
on after the last whole epoch. The trained weights are measured by cnnlib's `evaluate`.
"""

import time
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

import cnnlib
from cnnlib import reproduce
from cnnlib.classifiers import RECIPES, mnist_network
from cnnlib.data import Split
from cnnlib.reproduce import vary


class Residual(nn.Module):
    """The sum of a body and a way around it, with the keys of cnnlib.Residual."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


LAYERS = SimpleNamespace(**vars(nn), Residual=Residual)


class Training:
    """A network, its loss, optimizer and schedule, as the recipe has them."""

    def __init__(self, recipe: reproduce.Recipe, steps: int) -> None:
        self.network = recipe.network(LAYERS).to(memory_format=torch.channels_last)
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        optimizer = getattr(torch.optim, recipe.optimizer)
        self.optimizer = optimizer(self.network.parameters(), **recipe.options)
        self.precision = torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16)
        self.schedule = None
        if recipe.one_cycle:
            one_cycle = torch.optim.lr_scheduler.OneCycleLR
            self.schedule = one_cycle(self.optimizer, recipe.one_cycle, steps)

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """Learn from one batch: its loss, and how many of its images were right."""
        x = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        target = torch.from_numpy(labels)
        self.optimizer.zero_grad()
        with self.precision:
            output = self.network(x)
            loss = self.loss(output, target)
        loss.backward()
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()
        return loss.item(), int((output.argmax(1) == target).sum())

    def parts(self) -> list[Any]:
        """All that a checkpoint holds, but for the generator."""
        return [self.network, self.optimizer, *([self.schedule] if self.schedule else [])]


def fit(
    recipe: reproduce.Recipe, seed: int, data: Split, checkpoint: Path | None, progress: bool
) -> tuple[cnnlib.Sequential, dict[str, list[float]], float]:
    """Follow the recipe once, or go on from the checkpoint.

    The network of cnnlib with the trained weights, the history, the processor's seconds. Raises
    FloatingPointError when a loss is no finite number.
    """
    torch.manual_seed(seed)
    images, labels = data
    training = Training(recipe, recipe.epochs * -(-len(images) // recipe.batch_size))
    history, seconds = {"loss": [], "accuracy": []}, 0.0
    if checkpoint and checkpoint.exists():
        saved = torch.load(checkpoint)
        history, seconds = saved["history"], saved["seconds"]
        torch.set_rng_state(saved["generator"])
        for part, state in zip(training.parts(), saved["parts"], strict=True):
            part.load_state_dict(state)
    start = time.process_time() - seconds
    for epoch in range(len(history["loss"]), recipe.epochs):
        losses, right = 0.0, 0
        order = torch.randperm(len(images)).numpy()
        chosen = np.split(order, range(recipe.batch_size, len(images), recipe.batch_size))
        rng = np.random.default_rng([seed, epoch])
        for batch in tqdm(chosen, f"epoch {epoch + 1}/{recipe.epochs}", disable=not progress):
            loss, count = training.step(vary(recipe, images[batch], rng), labels[batch])
            if not np.isfinite(loss):
                raise FloatingPointError(
                    f"reproduce_torch: in epoch {epoch + 1} the loss is {loss}"
                )
            losses += loss * len(batch)
            right += count
        history["loss"].append(losses / len(images))
        history["accuracy"].append(right / len(images))
        seconds = time.process_time() - start
        if checkpoint:
            parts = [part.state_dict() for part in training.parts()]
            kept = {"parts": parts, "generator": torch.get_rng_state()}
            kept |= {"history": history, "seconds": seconds}
            torch.save(kept, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
    twin = recipe.network()
    state = training.network.state_dict()
    twin.load_state_dict({key: value.contiguous().numpy() for key, value in state.items()})
    return twin, history, seconds


def train(
    recipe: reproduce.Recipe, seed: int, data: tuple[Split, Split], validate: bool,
    checkpoint: Path, progress: bool,
) -> tuple[cnnlib.Sequential, dict[str, Any]]:  # fmt: skip
    """Follow the recipe once, or go on from the checkpoint; the network, and what is recorded."""
    if recipe.network is mnist_network:  # which has layers of cnnlib alone
        known = [name for name, one in RECIPES.items() if one.network is not mnist_network]
        raise SystemExit(f"reproduce_torch: NAME expects {', '.join(known)}")
    twin, history, seconds = fit(recipe, seed, data[0], checkpoint, progress)
    run = reproduce.finish(twin, data[1], recipe.levels)
    run |= {"history": history, "seconds": round(seconds)}
    run["versions"]["torch"] = version("torch").split("+")[0]
    if recipe.augment:
        run["first_losses"] = first_losses(recipe, data[0])
    return twin, run


def first_losses(recipe: reproduce.Recipe, data: Split, steps: int = 20) -> dict[str, list[float]]:
    """The losses of the first steps in both libraries, from the same weights and batches.

    In float64: in float32 the two round differently, and training makes more of it in each step.
    """
    network = recipe.network(rng=np.random.default_rng(0))
    for parameter in network.parameters():
        parameter.data = parameter.data.astype(np.float64)
    optimizer = getattr(cnnlib, recipe.optimizer)(network.parameters(), **recipe.options)
    total = recipe.epochs * -(-len(data.images) // recipe.batch_size)
    schedule = cnnlib.OneCycleLR(optimizer, recipe.one_cycle, total) if recipe.one_cycle else None
    loss = cnnlib.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    training = Training(recipe, total)
    weights = {name: torch.tensor(array) for name, array in network.state_dict().items()}
    training.network.double().load_state_dict(weights)
    rng = np.random.default_rng(0)
    losses: dict[str, list[float]] = {"cnnlib": [], "torch": []}
    batches = cnnlib.batches(*data, recipe.batch_size, rng=rng, augment=partial(vary, recipe))
    for images, target in islice(batches, steps):
        x = images.astype(np.float64)
        optimizer.zero_grad()
        losses["cnnlib"].append(float(loss(network(x), target)))
        network.backward(loss.backward())
        optimizer.step()
        if schedule:
            schedule.step()
        losses["torch"].append(training.step(x, target)[0])
    return losses


if __name__ == "__main__":
    reproduce.follow(None, "torch", train)
