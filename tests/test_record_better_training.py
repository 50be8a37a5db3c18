"""The remedies against overfitting: the same images and weights for all, and the same again."""

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_better_training, recording

BETTER = record("better_training")


@pytest.mark.parametrize(("name", "epochs"), [("plain", 1), ("all four", 2), ("mirrored", 1)])
def test_the_script_gives_the_first_losses_of_a_variant_again(name, epochs):
    variant = next(variant for variant in BETTER["variants"] if variant["name"] == name)
    runs = [
        record_better_training.variant_run(
            variant["settings"], seed, stops=BETTER["stops"][:epochs]
        )
        for seed in BETTER["seed"]
    ]
    losses = np.mean([run["losses"] for run in runs], axis=0)
    np.testing.assert_allclose(losses, variant["loss"][:epochs], atol=1e-3)


def test_variants_begin_with_the_same_images_and_weights_and_differ_in_what_they_name():
    (images, _), (others, _) = record_better_training.few_images(seed=3)
    assert len(images) == BETTER["images"]["train"]
    assert len(others) == BETTER["images"]["validation"]
    plain = recording.network((3, 5), seed=3)
    other = recording.network((3, 5), seed=3, batch_norm=True, dropout=0.5)
    kinds = [type(layer).__name__ for layer in other]
    assert (kinds.count("BatchNorm2d"), kinds.count("Dropout")) == (2, 1)
    np.testing.assert_array_equal(plain[0].weight.data, other[0].weight.data)
    np.testing.assert_array_equal(plain[-1].weight.data, other[-1].weight.data)


def test_kaiming_enlarges_the_weights_of_the_convolutions_and_nothing_else():
    plain, kaiming = (recording.network((3, 5), 4, kaiming=larger) for larger in (False, True))
    for name, array in plain.state_dict().items():
        factor = np.sqrt(6) if array.ndim == 4 else 1
        np.testing.assert_allclose(kaiming.state_dict()[name], factor * array, rtol=1e-12)


def test_the_script_gives_the_mistakes_with_a_rate_again():
    (run,) = [
        run
        for run in BETTER["rates"]["runs"]
        if (run["lr"], run["batch_norm"], run["kaiming"]) == (0.1, False, True)
    ]
    again = record_better_training.rate_run(0.1, False, True, 1)
    np.testing.assert_allclose(again, run["wrong"][1], atol=5)


def test_only_the_plain_variant_and_the_best_in_validation_met_the_test_images():
    best = min(BETTER["variants"], key=lambda v: sum(wrong for _, wrong in v["wrong"]))
    tested = [variant["name"] for variant in BETTER["variants"] if "test" in variant]
    assert tested == ["plain", best["name"]]
