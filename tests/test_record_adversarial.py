"""Networks attacked: every count of the record, and one of its networks attacked again."""

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_adversarial

FOUND = record("adversarial")
IMAGES = FOUND["images"]["test"]


def test_every_training_has_every_seed_and_no_attack_reads_more_than_there_is():
    assert [one["training"] for one in FOUND["trainings"]] == list(record_adversarial.TRAININGS)
    for one in FOUND["trainings"]:
        assert len(one["seeds"]) == len(record_adversarial.SEEDS)
        for run in one["seeds"]:
            assert IMAGES >= run["plain"] >= run["pgd"][0] >= run["pgd"][1] >= run["pgd"][2]
            assert len(run["fgsm"]) == len(FOUND["grays"])


def test_every_pair_of_kinds_is_there_each_network_against_each_other():
    seeds = len(record_adversarial.SEEDS)
    for one in FOUND["transfer"]:
        same = one["made_for"] == one["shown_to"]
        assert len(one["itself"]) == (seeds if same else 0)
        assert len(one["itself"]) + len(one["others"]) == seeds**2
    assert len(FOUND["transfer"]) == 2 * 3


def test_mnist_is_attacked_with_growing_sizes():
    attacked = FOUND["mnist"]["attacked"]
    assert [one["epsilon"] for one in attacked] == list(record_adversarial.SIZES)
    for kind in ("noise", "fgsm", "pgd"):
        counts = [FOUND["mnist"]["right"], *(one[kind] for one in attacked)]
        assert counts == sorted(counts, reverse=True)


def test_an_attack_stays_in_its_box_and_in_the_range():
    chapter, size = record_adversarial.CHAPTER, 3 / 16
    network = chapter.make_network(0)
    x, target = chapter.unseen[:7], chapter.truth[:7]
    for moved in (
        chapter.fgsm(network, x, target, size),
        chapter.pgd(network, x, target, size, 4),
        chapter.noise(network, x, target, np.random.default_rng(0), size),
    ):
        assert np.abs(moved - x).max() == pytest.approx(size)
        assert moved.min() >= 0 and moved.max() <= 1


def test_the_script_trains_and_attacks_a_network_again():
    run = record_adversarial.training_run("as usual", 1)
    (found,) = [one for one in FOUND["trainings"] if one["training"] == "as usual"]
    for key in ("plain", "noise", "fgsm", "pgd"):
        assert np.ravel(run[key]) == pytest.approx(np.ravel(found["seeds"][1][key]), abs=8)
