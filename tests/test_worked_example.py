import math

import numpy as np
import pytest

from cnnlib import worked_example as we


def test_pixels_become_the_loss():
    output = (
        np.array(
            [
                [(we.image[r : r + 3, c : c + 3] * we.kernel).sum() for c in range(4)]
                for r in range(4)
            ]
        )
        + we.bias
    )
    pooled = np.maximum(output, 0).reshape(2, 2, 2, 2).max(axis=(1, 3))
    assert pooled.tolist() == [[15, 8], [20, 5]]
    hidden = np.maximum(we.dense_1_weight @ pooled.ravel() + we.dense_1_bias, 0)
    assert hidden == pytest.approx([16.6, 12.1, 6.4])
    logits = we.dense_2_weight @ hidden + we.dense_2_bias
    assert logits == pytest.approx([7.86, 8.78, 9.64])
    probabilities = np.exp(logits) / np.exp(logits).sum()
    assert probabilities.round(4).tolist() == [0.1059, 0.2658, 0.6282]
    assert -math.log(probabilities[we.target]) == pytest.approx(0.464866, abs=1e-6)


@pytest.mark.parametrize(
    ("logits", "target", "loss"),
    [(we.lion_logits, we.lion_target, 1.5975), (we.tiger_logits, we.tiger_target, 0.0040)],
)
def test_the_two_further_images_have_the_losses_told(logits, target, loss):
    assert round(-math.log(np.exp(logits[target]) / np.exp(logits).sum()), 4) == loss


def test_three_filters_have_three_biases():
    assert we.kernels.shape == (3, 3, 3)
    assert we.biases.tolist() == [2, 3, 1]
    np.testing.assert_array_equal(we.kernels[0], we.kernel)
