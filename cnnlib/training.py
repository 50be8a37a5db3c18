"""Training: show batches, measure the loss, walk back, take a step; stop, resume and evaluate."""

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnlib import checkpoints, checks
from cnnlib.batching import Augment, Data, batch_count, batches, not_finite, usable
from cnnlib.layer import Layer
from cnnlib.loss import CrossEntropyLoss, Loss
from cnnlib.optimizers import Optimizer, Schedule, clip_grad_norm


@dataclass
class History:
    """One number per epoch; `lr` is the learning rate of its last batch.

    Training's loss and accuracy are means over what counts in the epoch, as its batches were met.
    Accuracies are of 1, and NaN when the targets are no classes; validation's lists stay empty
    without validation data.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found. `confusion[i, j]` counts images of class i that were called j.

    In maps it counts their places.
    """

    loss: float
    accuracy: float
    per_class_accuracy: np.ndarray
    confusion: np.ndarray


def evaluate(
    network: Layer, data: Data, loss: Loss | None = None, batch_size: int = 500
) -> Evaluation:
    """The network's loss (cross-entropy if None) and accuracy on data, in evaluation mode.

    The loss is that of all images at once, whatever the batch_size. What it ignores is in no
    table. A class without images has accuracy NaN. With targets that are no classes, accuracy is
    NaN and the tables are empty. Raises ValueError or TypeError when the data cannot be used.
    """
    loss = CrossEntropyLoss() if loss is None else loss
    checks.instance("evaluate", "network", network, Layer)
    images, labels = usable("evaluate", data, loss)
    checks.integer("evaluate", "batch_size", batch_size, 1)
    total, weights, confusion = 0.0, 0.0, np.zeros((0, 0), int)
    with network.inference(), loss.inference():
        for x, target in batches(images, labels, batch_size):
            output = network(x)
            if weight := loss.weight_of(output, target):
                total += float(loss(output, target)) * weight
                weights += weight
            if classes := loss.classes(output, target):
                confusion = confusion if confusion.size else np.zeros((output.shape[1],) * 2, int)
                np.add.at(confusion, classes, 1)
    right, images_of = np.diag(confusion), confusion.sum(axis=1)
    per_class = np.divide(right, images_of, out=np.full(len(right), np.nan), where=images_of > 0)
    accuracy = right.sum() / confusion.sum() if confusion.any() else math.nan
    return Evaluation(total / (weights or math.nan), float(accuracy), per_class, confusion)


def fit(
    network: Layer, loss: Loss, optimizer: Optimizer, train: Data, validation: Data | None = None,
    epochs: int = 1, *, batch_size: int = 64, seed: int = 0, schedule: Schedule | None = None,
    augment: Augment | None = None, max_norm: float | None = None, patience: int | None = None,
    drop_last: bool = False, checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 100, progress: bool = True,
) -> History:  # fmt: skip
    """Train the network on `train`, (images, labels), and return what was measured.

    All layers train in training mode; afterwards, also after an error, each is in the mode it was
    in. seed: of the shuffling and of `augment`; the same seed gives the same weights to the last
    bit. schedule: steps after each epoch, or each batch if it says so. augment, drop_last: see
    `batches`. max_norm: see `clip_grad_norm`. patience: stop after so many epochs in a row
    without a smaller validation loss (of training, without validation); nan is no smaller one.
    progress: show a bar.

    checkpoint: a file, written every `checkpoint_every` batches and after every epoch. If it
    exists, training goes on from it, and ends with the same weights as without the interruption.
    It holds weights, what the optimizer remembers, the dropout's generators and the history, and
    is replaced in one step: a kill leaves the old file or the new one. Only epochs, patience,
    checkpoint_every and progress may differ from what it was made with. Functions are told by
    their names, which a lambda does not have.

    Raises FloatingPointError when the loss is not finite, ValueError when the checkpoint is
    damaged or of another run (nothing is changed then), OSError when it cannot be written. What
    else is raised on the way has a note with epoch and batch.
    """
    from tqdm.auto import tqdm

    checks.instance("fit", "network", network, Layer)
    images, labels = train = usable("fit", train, loss)
    validation = None if validation is None else usable("fit", validation, loss, "validation ")
    checks.integer("fit", "epochs", epochs, 1)
    checks.integer("fit", "checkpoint_every", checkpoint_every, 1)
    checks.integer("fit", "seed", seed, 0)
    checks.integer("fit", "patience", 1 if patience is None else patience, 1)
    checks.flag("fit", "progress", progress)
    if augment is not None:
        checks.instance("fit", "augment", augment, Callable)
    if max_norm is not None:
        max_norm = checks.number("fit", "max_norm", max_norm, 0)
    count = batch_count("fit", len(images), batch_size, drop_last)
    found = f"fit: batch_size is {batch_size}, more than the {len(images)} images"
    checks.require(count > 0, f"{found}; with drop_last no batch is left")
    run = Run(network, loss, optimizer, schedule, max_norm)
    path = None if checkpoint is None else checkpoints.writable("fit", checkpoint)
    if path:
        run.sizes = count, labels.size
        settings: dict[str, Any] = {"batch_size": batch_size, "drop_last": drop_last, "seed": seed}
        settings |= {"augment": augment, "max_norm": max_norm}
        run.plan = checkpoints.plan(network, loss, optimizer, schedule, settings)
        run.plan |= checkpoints.data_plan(train, validation)
    if path and path.exists():
        run.load(path)
    with run.training():
        while run.epoch < epochs and not run.is_stuck(patience):
            network.train()
            rng = np.random.default_rng([seed, run.epoch])
            todo = batches(
                images, labels, batch_size, rng=rng, augment=augment, start=run.batch,
                drop_last=drop_last,
            )  # fmt: skip
            name = f"epoch {run.epoch + 1}/{epochs}"
            with tqdm(total=count, initial=run.batch, desc=name, disable=not progress) as bar:
                for _ in run.learn(todo):
                    bar.update()
                    bar.set_postfix(loss=f"{run.total_loss / run.weight:.4f}", refresh=False)
                    if path and run.batch % checkpoint_every == 0:
                        run.save(path)
                run.end_epoch(validation)
                if validation is not None:
                    bar.set_postfix(validation_loss=f"{run.history.validation_loss[-1]:.4f}")
            if path:
                run.save(path)
    return run.history


# of a run, in a checkpoint
NUMBERS = ("epoch", "batch", "total_loss", "weight", "right", "counted", "lr")


class Run:
    """Where a training run stands: all that a checkpoint holds."""

    plan: dict[str, str | None]  # what a checkpoint belongs to
    sizes: tuple[int, int]  # batches of an epoch, and labels

    def __init__(
        self, network: Layer, loss: Loss, optimizer: Optimizer, schedule: Schedule | None,
        max_norm: float | None,
    ) -> None:  # fmt: skip
        checks.instance("fit", "optimizer", optimizer, Optimizer)
        if schedule is not None:
            checks.instance("fit", "schedule", schedule, Schedule)
        self.network, self.loss, self.optimizer = network, loss, optimizer
        self.schedule, self.max_norm = schedule, max_norm
        own = set(network.parameters())
        learned = own.issuperset(optimizer.parameters)
        checks.require(learned, "fit: optimizer has parameters that the network does not have")
        learns = any(parameter.requires_grad for parameter in optimizer.parameters)
        checks.require(learns, "fit: all parameters of the optimizer are frozen; expected one not")
        same = schedule is None or schedule.optimizer is optimizer
        checks.require(same, "fit: schedule is of another optimizer than the one given")
        self.history = History()
        self.epoch = 0  # epochs completed
        self.lr = float(optimizer.lr)  # of the last step
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Count from zero."""
        self.batch, self.total_loss, self.weight, self.right, self.counted = 0, 0.0, 0.0, 0, 0

    @contextmanager
    def training(self) -> Iterator[None]:
        """A `with` block to train in; afterwards each layer is switched as it was before."""
        before = [(layer, layer.training) for _, layer in self.network.layers()]
        try:
            yield
        finally:
            for layer, training in before:
                layer.training = training

    def learn(self, todo: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[None]:
        """Learn from one batch after the other; an error says in which it happened."""
        try:
            for x, target in todo:
                self.step(x, target)
                yield
        except Exception as error:
            place = f"in epoch {self.epoch + 1}, batch {self.batch + 1}"
            if place not in str(error):
                error.add_note(f"fit: {place}")
            raise

    def step(self, x: np.ndarray, target: np.ndarray) -> None:
        """Learn from one batch."""
        self.optimizer.zero_grad()
        output = self.network.forward(x)
        weight = self.loss.weight_of(output, target)
        value = float(self.loss(output, target)) if weight else math.nan
        if not math.isfinite(value):
            why = self.reason(x) if weight else "every label of the batch is ignored or weighs 0"
            place = f"epoch {self.epoch + 1}, batch {self.batch + 1}"
            raise FloatingPointError(f"fit: the loss is {value} in {place}; {why}")
        self.network.backward_parameters(self.loss.backward())
        if self.max_norm is not None:
            clip_grad_norm(self.optimizer.parameters, self.max_norm)
        self.optimizer.step()
        self.lr = float(self.optimizer.lr)
        self.batch += 1
        self.total_loss += value * weight
        self.weight += weight
        if classes := self.loss.classes(output, target):
            self.right += int(np.equal(*classes).sum())
            self.counted += len(classes[0])
        if self.schedule and self.schedule.every_batch:
            self.schedule.step()

    def reason(self, x: np.ndarray) -> str:
        """Why the loss of these images is not finite, as far as the numbers tell."""
        place, first = not_finite(x), self.epoch == self.batch == 0
        if place is not None:
            return f"image {place} of the batch holds nan or inf, which `augment` has made"
        if not first:
            return "a smaller learning rate may help"
        for name, parameter in self.network.named_parameters().items():
            if not np.isfinite(parameter.data).all():
                return f"{name} held nan or inf before the first step"
        return "no step was made yet: smaller weights or images from 0 to 1 may help"

    def end_epoch(self, validation: Data | None) -> None:
        """Write the epoch into the history."""
        history = self.history
        history.loss.append(self.total_loss / self.weight)
        history.accuracy.append(self.right / (self.counted or math.nan))
        history.lr.append(self.lr)
        if validation is not None:
            result = evaluate(self.network, validation, self.loss)
            history.validation_loss.append(result.loss)
            history.validation_accuracy.append(result.accuracy)
        if self.schedule and not self.schedule.every_batch:
            self.schedule.step()
        self.epoch += 1
        self.begin_epoch()

    def is_stuck(self, patience: int | None) -> bool:
        """Whether the last `patience` epochs have brought no smaller loss; nan is none."""
        best, since = math.inf, 0
        for loss in self.history.validation_loss or self.history.loss:
            best, since = (loss, 0) if loss < best else (best, since + 1)
        return patience is not None and since >= patience

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """All that changes in the run: arrays, and numbers."""
        arrays = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        arrays |= {f"optimizer.{k}": v for k, v in self.optimizer.state_dict().items()}
        state = {name: getattr(self, name) for name in (*NUMBERS, "plan")}
        state["history"] = asdict(self.history)
        state["schedule_steps"] = self.schedule.steps if self.schedule else None
        state["generators"] = [rng.bit_generator.state for rng in self.network.generators()]
        return arrays, state

    def check(self, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Raise ValueError unless a checkpoint is one of this run, in the form of `state`."""
        checkpoints.check_plan(self.plan, state["plan"])
        expected = checkpoints.as_json(self.state()[1])
        history, validated = state["history"], "validation images" in self.plan
        expected["history"] = {name: [0.0] * len(history[name]) for name in expected["history"]}
        checkpoints.check_form("state", state, expected)
        checkpoints.check_history(history, state["epoch"], validated)
        checks.number("state", "total_loss", state["total_loss"])
        for name in ("weight", "lr", "schedule_steps"):
            checks.number("state", name, state[name] or 0, 0)
        count, places = self.sizes
        same = 0 <= state["batch"] <= count and (state["batch"] > 0) == (state["weight"] > 0)
        same = same and 0 <= state["right"] <= state["counted"] <= places
        checks.require(same, "its state counts other batches")
        for name, array in self.network.state_dict().items():
            same = arrays[f"network.{name}"].dtype == array.dtype
            checks.require(same, f"its {name} is not {array.dtype}")

    def restore(self, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        for owner in ("network", "optimizer"):
            of = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith(owner)}
            getattr(self, owner).load_state_dict(of)
        self.history = History(**state["history"])
        for name in NUMBERS:
            setattr(self, name, state[name])
        for rng, rng_state in zip(self.network.generators(), state["generators"], strict=True):
            rng.bit_generator.state = rng_state
        if self.schedule:
            self.schedule.steps = state["schedule_steps"]
            self.schedule.set()

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        checkpoints.save(path, *self.state())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint; raises ValueError, and changes nothing, if it does not fit."""
        content, trial = path.read_bytes(), copy.deepcopy(self)
        try:
            arrays, state = checkpoints.unpack(content)
            trial.check(arrays, state)
            trial.restore(arrays, state)
        except Exception as error:  # whatever a file of unknown origin makes the code stumble on
            raise ValueError(f"fit: checkpoint {path} cannot be used: {error}") from error
        self.restore(arrays, state)
