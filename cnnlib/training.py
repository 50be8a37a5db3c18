"""Training: show batches, measure the loss, walk back, take a step; stop, resume and evaluate."""

import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from cnnlib import checks
from cnnlib.batches import Augment, Data, batches, check_data
from cnnlib.layer import Layer, Parameter
from cnnlib.loss import CrossEntropyLoss, Loss
from cnnlib.optimizers import Optimizer, Schedule


@dataclass
class History:
    """One number per epoch; `lr` is the learning rate of its last batch.

    Training's loss and accuracy are means over the epoch's batches, as they were met.
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
    """What `evaluate` found. `confusion[i, j]` counts images of class i that were called j."""

    loss: float
    accuracy: float
    per_class_accuracy: np.ndarray
    confusion: np.ndarray


def evaluate(
    network: Layer, data: Data, loss: Loss | None = None, batch_size: int = 500
) -> Evaluation:
    """The network's loss (cross-entropy if None) and accuracy on data, in evaluation mode.

    A class without images has accuracy NaN. With targets that are no classes, accuracy is NaN and
    the tables are empty.
    """
    images, labels = check_data("evaluate", data)
    loss = CrossEntropyLoss() if loss is None else loss
    checks.instance("evaluate", "network", network, Layer)
    checks.instance("evaluate", "loss", loss, Loss)
    total, confusion = 0.0, np.zeros((0, 0), int)
    with network.evaluation(), loss.evaluation():
        for x, target in batches(images, labels, batch_size):
            output = network.forward(x)
            total += float(loss(output, target)) * len(x)
            if _are_classes(labels):
                if not confusion.size:
                    confusion = np.zeros((output.shape[1],) * 2, int)
                np.add.at(confusion, (target, output.argmax(axis=1)), 1)
    right, images_of = np.diag(confusion), confusion.sum(axis=1)
    per_class = np.divide(right, images_of, out=np.full(len(right), np.nan), where=images_of > 0)
    accuracy = right.sum() / len(images) if confusion.size else math.nan
    return Evaluation(total / len(images), float(accuracy), per_class, confusion)


def clip_grad_norm(parameters: list[Parameter], max_norm: float) -> float:
    """Shrink all gradients together so that their length is at most `max_norm`.

    Returns the length before. As torch's clip_grad_norm_.
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
    """
    max_norm = checks.number("clip_grad_norm", "max_norm", max_norm, 0)
    checks.instance("clip_grad_norm", "parameters", parameters, list)
    for parameter in parameters:
        checks.instance("clip_grad_norm", "parameters", parameter, Parameter)
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = math.sqrt(sum(float(np.vdot(grad, grad)) for grad in grads))
    if norm > max_norm:
        for grad in grads:
            grad *= max_norm / (norm + 1e-6)
    return norm


def fit(
    network: Layer, loss: Loss, optimizer: Optimizer, train: Data, validation: Data | None = None,
    epochs: int = 1, *, batch_size: int = 64, seed: int = 0, schedule: Schedule | None = None,
    augment: Augment | None = None, max_norm: float | None = None, patience: int | None = None,
    checkpoint: str | os.PathLike | None = None, checkpoint_every: int = 100, progress: bool = True,
) -> History:  # fmt: skip
    """Train the network on `train`, (images, labels), and return what was measured.

    seed: of the shuffling and of `augment`; the same seed gives the same weights to the last bit.
    schedule: steps after each epoch, or each batch if it says so. augment: see `batches`.
    max_norm: see `clip_grad_norm`. patience: stop after so many epochs in a row without a smaller
    validation loss (of training, without validation). progress: show a bar.

    checkpoint: a file, written every `checkpoint_every` batches and after every epoch. If it
    exists, training goes on from it, and ends with the same weights as without the interruption.
    It holds weights, what the optimizer remembers, the dropout's generators and the history, in
    safetensors, and is replaced in one step: a kill leaves the old file or the new one.

    Raises FloatingPointError when the loss is not finite.
    """
    from tqdm.auto import tqdm

    images, labels = check_data("fit", train)
    check_data("fit", train if validation is None else validation)
    checks.instance("fit", "network", network, Layer)
    checks.instance("fit", "loss", loss, Loss)
    checks.instance("fit", "optimizer", optimizer, Optimizer)
    checks.choice("fit", "loss.reduction", loss.reduction, ("mean",))
    checks.integer("fit", "epochs", epochs, 1)
    checks.integer("fit", "checkpoint_every", checkpoint_every, 1)
    checks.integer("fit", "seed", seed, 0)
    checks.integer("fit", "patience", 1 if patience is None else patience, 1)
    checks.flag("fit", "progress", progress)
    settings = {"seed": seed, "batch_size": batch_size, "images": len(images)}
    run = Run(network, optimizer, schedule, settings)
    path = Path(checkpoint) if checkpoint is not None else None
    if path and path.exists():
        run.load(path)
    while run.epoch < epochs and not run.is_stuck(patience):
        network.train()
        rng = np.random.default_rng([seed, run.epoch])
        todo = batches(images, labels, batch_size, rng=rng, augment=augment, start=run.batch)
        count, name = -(-len(images) // batch_size), f"epoch {run.epoch + 1}/{epochs}"
        bar = tqdm(total=count, initial=run.batch, desc=name, disable=not progress)
        for x, target in todo:
            run.step(x, target, loss, max_norm)
            bar.update()
            bar.set_postfix(loss=f"{run.total_loss / run.seen:.4f}", refresh=False)
            if path and run.batch % checkpoint_every == 0:
                run.save(path)
        run.end_epoch(validation, loss)
        if validation is not None:
            bar.set_postfix(validation_loss=f"{run.history.validation_loss[-1]:.4f}")
        bar.close()
        if path:
            run.save(path)
    return run.history


NUMBERS = ("epoch", "batch", "seen", "total_loss", "right", "lr")  # of a run, in a checkpoint


class Run:
    """Where a training run stands: all that a checkpoint holds."""

    def __init__(
        self, network: Layer, optimizer: Optimizer, schedule: Schedule | None, settings: dict
    ) -> None:
        self.network, self.optimizer, self.schedule = network, optimizer, schedule
        kinds = {"optimizer": type(optimizer).__name__, "schedule": type(schedule).__name__}
        self.settings = settings | kinds
        self.history = History()
        self.epoch, self.lr = 0, optimizer.lr  # epochs completed, learning rate of the last step
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Count from zero."""
        self.batch, self.seen, self.total_loss, self.right = 0, 0, 0.0, 0.0

    def step(self, x: np.ndarray, target: np.ndarray, loss: Loss, max_norm: float | None) -> None:
        """Learn from one batch."""
        self.optimizer.zero_grad()
        output = self.network.forward(x)
        value = float(loss(output, target))
        if not math.isfinite(value):
            raise FloatingPointError(
                f"fit: the loss is {value} in epoch {self.epoch + 1}, batch {self.batch + 1}; "
                "a smaller learning rate may help"
            )
        self.network.backward_parameters(loss.backward())
        if max_norm is not None:
            clip_grad_norm(self.optimizer.parameters, max_norm)
        self.optimizer.step()
        self.lr = self.optimizer.lr
        self.batch += 1
        self.seen += len(x)
        self.total_loss += value * len(x)
        hits = output.argmax(axis=1) == target if _are_classes(target) else [math.nan]
        self.right += float(sum(hits))
        if self.schedule and self.schedule.every_batch:
            self.schedule.step()

    def end_epoch(self, validation: Data | None, loss: Loss) -> None:
        """Write the epoch into the history."""
        history = self.history
        history.loss.append(self.total_loss / self.seen)
        history.accuracy.append(self.right / self.seen)
        history.lr.append(self.lr)
        if validation is not None:
            result = evaluate(self.network, validation, loss)
            history.validation_loss.append(result.loss)
            history.validation_accuracy.append(result.accuracy)
        if self.schedule and not self.schedule.every_batch:
            self.schedule.step()
        self.epoch += 1
        self.begin_epoch()

    def is_stuck(self, patience: int | None) -> bool:
        """Whether the last `patience` epochs have brought no smaller loss."""
        losses = self.history.validation_loss or self.history.loss
        if patience is None or len(losses) <= patience:
            return False
        return min(losses[-patience:]) >= min(losses[:-patience])

    def save(self, path: Path) -> None:
        """Write the checkpoint beside its place, then put it there in one step."""
        import safetensors.numpy

        arrays = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        arrays |= {f"optimizer.{k}": v for k, v in self.optimizer.state_dict().items()}
        state = {name: getattr(self, name) for name in (*NUMBERS, "settings")}
        state["history"] = asdict(self.history)
        state["schedule_steps"] = self.schedule.steps if self.schedule else None
        state["generators"] = [rng.bit_generator.state for rng in self.network.generators()]
        content = safetensors.numpy.save(arrays, {"run": json.dumps(state)})
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint; raises ValueError when it is damaged or of another run."""
        import safetensors

        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                state = json.loads(file.metadata()["run"])
                arrays = {key: file.get_tensor(key) for key in file.keys()}
        except (safetensors.SafetensorError, TypeError, KeyError, ValueError) as error:
            raise ValueError(f"fit: checkpoint {path} cannot be read: {error}") from error
        for name, value in self.settings.items():
            made = state["settings"].get(name)
            found = f"fit: {name} is {value!r}; checkpoint {path} was made with {made!r}"
            checks.require(made == value, found)
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


def _are_classes(labels: np.ndarray) -> bool:
    return labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)
