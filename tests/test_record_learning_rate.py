"""The losses of training with nine learning rates: what the script makes again."""

import itertools

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_learning_rate, recording

RATES = record("learning_rate")


@pytest.mark.parametrize("run", RATES["runs"], ids=lambda run: str(run["lr"]))
def test_the_script_gives_the_first_losses_of_each_learning_rate_again(run):
    again = record_learning_rate.learning_rate_run(run["lr"], steps=4)
    np.testing.assert_allclose(again["loss"], run["loss"][:4], atol=1e-3)


def test_with_learning_rate_3_no_relu_is_left_alive_after_two_batches():
    network, (train, validation) = (
        recording.small_network(),
        recording.digits(),
    )
    list(itertools.islice(recording.losses(network, train, lr=3), 2))
    assert network[1].forward(network[0].forward(validation[0])).max() == 0
