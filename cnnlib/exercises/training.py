"""Exercises of the chapter "The training loop"."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try

Epoch = tuple[list[np.ndarray], list[float]]


def cut_up(rng: np.random.Generator) -> Any:
    """A question: how many batches, how large the last is, how many updates."""
    from cnnlib.widgets import Question

    size, epochs = int(rng.choice([16, 32, 64, 128])), int(rng.integers(2, 9))
    full, rest = int(rng.integers(4, 40)), int(rng.integers(2, size))
    return Question(
        f"{full * size + rest:,} training images, batches of {size}, {epochs} epochs. How many "
        "batches has an epoch, how large is its last, and how many updates are there in all?",
        [[full + 1, rest, (full + 1) * epochs]],
        [
            ([[full, rest, full * epochs]], "The last, smaller batch counts too."),
            ([[full + 1, size, (full + 1) * epochs]], "What is left for the last is fewer images."),
            ([[full + 1, size - rest, (full + 1) * epochs]], "That is what the last batch lacks."),
            ([[full + 1, rest, full + 1]], "Those are the updates of one epoch."),
        ],
        steps=[
            f"{full} full batches are {full * size:,} images, and {rest} are left: that makes "
            f"{full + 1} batches.",
            f"Each batch is an update: {full + 1}·{epochs} = {(full + 1) * epochs}.",
        ],
    )


def full_batches(
    x: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator
) -> Iterable[tuple]:
    """The batches of the full size, shuffled."""
    return cnnlib.batches(x, y, size, rng=rng, drop_last=True)


def padded(x: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator) -> Iterable[tuple]:
    """All batches, the last of them filled up with its own images."""
    for images, labels in cnnlib.batches(x, y, size, rng=rng):
        yield np.resize(images, (size, *images.shape[1:])), np.resize(labels, size)


def larger(x: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator) -> Iterable[tuple]:
    """Full batches, to the last of which the rest is added."""
    cut = list(cnnlib.batches(x, y, size, rng=rng))
    if len(cut) > 1 and len(cut[-1][0]) < size:
        (x, y), (more, labels) = cut[-2:]
        cut[-2:] = [(np.concatenate([x, more]), np.concatenate([y, labels]))]
    return cut


def first_ones(
    x: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator
) -> Iterable[tuple]:
    """Full batches of the first images only."""
    kept = len(x) // size * size
    return cnnlib.batches(x[:kept], y[:kept], size, rng=rng)


def what_was_cut(written: Callable, count: int, size: int) -> dict[str, Any] | None:
    """What is true of the batches of so many images, whatever their order."""
    y = np.arange(count)
    if written(y[:, None] / 2, y, size, np.random.default_rng(0)) is None:
        return None
    epochs = [list(written(y[:, None] / 2, y, size, np.random.default_rng(n))) for n in range(20)]
    images, labels = (np.concatenate([few[n] for few in epochs[0]]) for n in (0, 1))
    seen = {label for epoch in epochs for _, few in epoch for label in np.ravel(few).tolist()}
    return {
        "sizes of the batches": [len(few) for few, _ in epochs[0]],
        "images with their own labels": np.array_equal(images, labels[:, None] / 2),
        "no image twice": len(set(labels.tolist())) == len(labels),
        "shuffled": len({str(few) for (few, _), *_ in epochs}) > 1,
        "some epoch has it, for each image": len(seen) == count,
    }


class Scripted:
    """Stands for a network whose validation losses are known beforehand."""

    def __init__(self, losses: list[float]) -> None:
        self.losses, self.weight, self.epochs = losses, np.array([-1]), 0

    def train(self, network: "Scripted", epoch: int) -> None:
        """Train for an epoch, counted from 0."""
        self.weight[0] = epoch
        self.epochs += 1

    def validate(self, network: "Scripted") -> float:
        """The validation loss."""
        return self.losses[int(self.weight[0])]

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of the one weight."""
        return {"weight": self.weight.copy()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Put the weight back."""
        self.weight[...] = state["weight"]


def keep_best(
    better: Callable = lambda loss, best: loss < best, back: bool = True, stop: bool = False,
    last: bool = False,
) -> Callable:  # fmt: skip
    """A training that keeps the weights of an epoch.

    better(loss, best): whether they are those of this one. back: whether they are put back at the
    end. stop: whether to end with the first epoch that is not better. last: give the last loss.
    """

    def train_and_keep_best(network: Any, train: Callable, validate: Callable, epochs: int) -> Any:
        best, kept, loss = None, None, None
        for epoch in range(epochs):
            train(network, epoch)
            loss = validate(network)
            if best is None or better(loss, best):
                best, kept = loss, network.state_dict()
            elif stop:
                break
        if back:
            network.load_state_dict(kept)
        return loss if last else best

    return train_and_keep_best


def scripted(written: Callable, losses: list[float]) -> dict[str, Any] | None:
    """What becomes of a network with these validation losses, epoch by epoch."""
    network = Scripted(losses)
    best = written(network, network.train, network.validate, len(losses))
    if best is None:
        return None
    return {
        "loss": best,
        "epochs": network.epochs,
        "the weights are those of epoch": int(network.weight[0]),
    }


def my_epoch(
    carry: bool = True, rest: bool = True, shuffle: bool = True, relu: bool = True,
    total: bool = False, uphill: bool = False,
) -> Callable:  # fmt: skip
    """A pass over the images, with what a mistake changes.

    carry: whether a batch begins with the parameters that the one before has left. rest: whether
    the last, smaller batch counts. shuffle: whether the images come in the order given. relu:
    whether ReLU's backward is used. total: whether the losses are added up. uphill: the sign.
    """

    def epoch(
        parameters: list[np.ndarray], images: np.ndarray, labels: np.ndarray, lr: float,
        order: np.ndarray,
    ) -> Any:  # fmt: skip
        losses, first = [], parameters
        order = order if shuffle else np.sort(order)
        for start in range(0, len(order) if rest else len(order) // 32 * 32, 32):
            few = order[start : start + 32]
            loss, gradients = learned(
                parameters if carry else first, images[few], labels[few], relu
            )
            losses.append(loss)
            rate = -lr if uphill else lr
            pairs = zip(parameters, gradients, strict=True)
            parameters = [parameter - rate * gradient for parameter, gradient in pairs]
        return parameters, sum(losses) if total else losses

    return epoch


def learned(
    parameters: list[np.ndarray], x: np.ndarray, target: np.ndarray, relu: bool
) -> tuple[float, list[np.ndarray]]:
    """The loss of some images, and the gradients of the four parameters."""
    kernels, kernel_bias, weight, bias = parameters
    sums = cnnlib.conv2d(x, kernels, kernel_bias)
    maps = cnnlib.relu(sums)
    pooled = cnnlib.max_pool2d(maps, 2)
    flat = pooled.reshape(len(x), -1)
    logits = cnnlib.linear(flat, weight, bias)
    grad = cnnlib.cross_entropy_backward(1.0, logits, target)
    grad, *of_dense = cnnlib.linear_backward(grad, flat, weight)
    grad = cnnlib.max_pool2d_backward(grad.reshape(pooled.shape), maps, 2)
    if relu:
        grad = cnnlib.relu_backward(grad, sums)
    of_kernels = cnnlib.conv2d_backward(grad, x, kernels)[1:]
    return float(cnnlib.cross_entropy(logits, target)), [*of_kernels, *of_dense]


def networks(rng: np.random.Generator) -> list[Try]:
    """Parameters, images (N, C, H, W) with labels, a learning rate and an order."""
    tries: list[Try] = []
    for n, c, k, rows, columns, h, w in [(35, 1, 2, 5, 7, 2, 3), (70, 2, 3, 7, 6, 3, 2)]:
        inputs = k * ((rows - h + 1) // 2) * ((columns - w + 1) // 2)
        shapes = (k, c, h, w), (k,), (4, inputs), (4,)
        parameters = [rng.normal(0, 0.4, shape) for shape in shapes]
        images = rng.normal(size=(n, c, rows, columns))
        tries.append((parameters, images, rng.integers(0, 4, n), 0.25, rng.permutation(n)))
    return tries


EXERCISES = {
    "training-batches": Drawn(cut_up),
    "training-drop-last": Exercise(
        "full_batches",
        full_batches,
        lambda rng: [(7, 3), (20, 5), (11, 4)],
        [
            (
                lambda x, y, size, rng: cnnlib.batches(x, y, size, rng=rng),
                "The last batch is there although it is smaller. Pass on only those of the full "
                "length.",
            ),
            (
                lambda x, y, size, rng: list(cnnlib.batches(x, y, size, rng=rng))[:-1],
                "The last batch is always left out. Where the size divides, it is a full one and "
                "has to stay.",
            ),
            (
                padded,
                "The last batch is filled up with images that come twice. Leave it out.",
            ),
            (
                larger,
                "The images that are left over make a batch that is too large. Leave them out.",
            ),
            (
                lambda x, y, size, rng: cnnlib.batches(x, y, size, drop_last=True),
                "Nothing is shuffled, so the same images are left out each time. Use `rng`.",
            ),
            (
                first_ones,
                "The same images are left out in every epoch: shuffle all of them, then leave out.",
            ),
        ],
        [
            "Go through `batches(x, y, size, rng)` and look at how many images each has.",
            "`yield few` passes a batch on, under the condition `len(few[0]) == size`.",
        ],
        what_was_cut,
        ending="hand each batch over with `yield`",
    ),
    "training-keep-best": Exercise(
        "train_and_keep_best",
        keep_best(),
        lambda rng: [([3.0, 1.0, 2.0],), ([5.0, 2.0, 4.0, 1.0, 3.0],), ([2.0, 3.0, 4.0],)],
        [
            (
                keep_best(back=False),
                "The weights are those of the last epoch. Put the kept ones back: "
                "`network.load_state_dict(kept)`.",
            ),
            (
                keep_best(stop=True),
                "You stop when the loss rises for the first time. It may fall again: go on to the "
                "end.",
            ),
            (
                keep_best(lambda loss, best: True),
                "You keep the last epoch's weights. Keep them only when the loss is lower than any "
                "before.",
            ),
            (
                keep_best(lambda loss, best: loss > best),
                "You keep the weights with the highest loss. The lowest is the best.",
            ),
            (
                keep_best(lambda loss, best: False),
                "You keep the first epoch's weights. A lower loss has to replace them.",
            ),
            (
                keep_best(last=True),
                "You return the last epoch's loss. Return the lowest.",
            ),
        ],
        [
            "Begin with `best = math.inf`: any loss is lower.",
            "When the loss is lower than `best`, set `best`, and keep `network.state_dict()`.",
            "After the last epoch, `network.load_state_dict(kept)`.",
        ],
        scripted,
    ),
    "training-own": Exercise(
        "my_epoch",
        my_epoch(),
        networks,
        [
            (
                my_epoch(shuffle=False),
                "The images come in their own order. `images[order[start : start + 32]]` takes "
                "them in the one that is given.",
            ),
            (
                my_epoch(rest=False),
                "The last, smaller batch is left out. It counts as well.",
            ),
            (
                my_epoch(carry=False),
                "Each batch begins with the parameters of the start. It has to begin with those "
                "that the batch before has left.",
            ),
            (
                my_epoch(relu=False),
                "On the way back the gradient does not pass ReLU: `my_relu_backward` stands "
                "between pooling and convolution.",
            ),
            (
                my_epoch(total=True),
                "The losses are added up. Give a list with the loss of each batch.",
            ),
            (
                my_epoch(uphill=True),
                "The parameters go uphill: the step is subtracted.",
            ),
        ],
        [
            "`for start in range(0, len(order), 32)`, then `few = order[start : start + 32]`: the "
            "batch is `images[few]`, `labels[few]`.",
            "Forward: convolution, ReLU, pooling, `reshape(len(x), -1)`, dense, loss. Keep each "
            "result: the way back asks for what a layer was given.",
            "Back, in the opposite order: loss, dense, `reshape` to the pooled maps' shape, "
            "pooling, ReLU, convolution. Then `my_sgd` with the four gradients.",
        ],
    ),
}
