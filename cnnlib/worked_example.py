"""The one small network that the book follows from pixels to the loss, and back.

A 6x6 image, a vertical-edge kernel with bias 2, ReLU and 2x2 max pooling give
`[[15, 8], [20, 5]]`; two dense layers make three logits of these, softmax three probabilities,
and the target's gives the loss 0.4649. Everything is float64, so that printed digits are exact.
"""

import numpy as np

# (rows, columns); 9 is white, 0 is black.
image = np.array(
    [
        [5, 5, 3, 3, 3, 3],
        [5, 5, 5, 4, 0, 3],
        [5, 7, 7, 0, 7, 3],
        [6, 7, 7, 2, 6, 6],
        [6, 8, 8, 2, 6, 6],
        [6, 6, 5, 5, 6, 6],
    ],
    dtype=np.float64,
)

vertical_edge = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], dtype=np.float64)
horizontal_edge = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], dtype=np.float64)
# A pixel against its four neighbors: large on a lone bright dot, zero on a slope.
laplacian = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=np.float64)

# The filter that the whole book follows.
kernel = vertical_edge
bias = 2.0

# The convolution chapter's three filters, (filter, rows, columns), and a bias for each.
kernels = np.stack([vertical_edge, horizontal_edge, laplacian])
biases = np.array([2, 3, 1], dtype=np.float64)

# Dense layers: weight is (outputs, inputs), as in torch.nn.Linear.
dense_1_weight = np.array([[0.5, 0.8, 0.1, 0.1], [0.2, 0.5, 0.1, 0.6], [0.1, 0.2, 0.1, 0.2]])
dense_1_bias = np.array([0.2, 0.1, 0.3])
dense_2_weight = np.array([[0.2, 0.2, 0.3], [0.3, 0.2, 0.2], [0.2, 0.4, 0.2]])
dense_2_bias = np.array([0.2, 0.1, 0.2])

classes = ("Lion", "Tiger", "Elephant")
target = classes.index("Elephant")

# The logits of two more images, which another network gave: to have them, the dense layer above
# would need negative numbers from its ReLU. With the first image they make a batch of three.
lion_logits = np.array([9.2, 10.56, 6.09])
lion_target = classes.index("Lion")
tiger_logits = np.array([5.37, 11.65, 5.49])
tiger_target = classes.index("Tiger")
