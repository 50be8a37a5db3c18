"""Convolutional networks in NumPy: every layer with its backward pass, in code to be read.

Names, signatures and array layout (NCHW) follow torch.nn and torch.nn.functional.
"""

# ruff: noqa: F401, I001
# fmt: off
from cnnlib.activations import (
    ELU, GELU, Hardtanh, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh, elu, elu_backward, gelu,
    gelu_backward, hardtanh, hardtanh_backward, identity, identity_backward, leaky_relu,
    leaky_relu_backward, relu, relu_backward, sigmoid, sigmoid_backward, silu, silu_backward, tanh,
    tanh_backward,
)
from cnnlib.batching import batches, random_crop, random_flip, random_shift
from cnnlib.boxes import average_precision, box_iou, nms
from cnnlib.calibration import (
    Reliability, expected_calibration_error, fit_temperature, reliability,
)
from cnnlib.convolution import (
    Conv2d, ConvTranspose2d, col2im, conv2d, conv2d_backward, conv2d_backward_im2col,
    conv2d_backward_loops, conv2d_im2col, conv2d_loops, conv_transpose2d,
    conv_transpose2d_backward, convolve2d, im2col,
)
from cnnlib.data import (
    center_digit, cifar10, digits, fashion_mnist, image_folder, mnist, photographs,
)
from cnnlib.dense import Flatten, Linear, flatten, flatten_backward, linear, linear_backward
from cnnlib.gradient_checking import gradient_check
from cnnlib.initialization import (
    kaiming_normal, kaiming_uniform, torch_default, xavier_normal, xavier_uniform,
)
from cnnlib.layer import Layer, Parameter
from cnnlib.loss import (
    CrossEntropyLoss, MSELoss, cross_entropy, cross_entropy_backward, log_softmax,
    log_softmax_backward, mse_loss, mse_loss_backward, softmax, softmax_backward,
)
from cnnlib.network import Concat, Residual, Sequential, summary
from cnnlib.normalization import BatchNorm2d, Dropout, GroupNorm, LayerNorm
from cnnlib.optimizers import (
    SGD, Adam, AdamW, CosineAnnealingLR, OneCycleLR, StepLR, clip_grad_norm,
)
from cnnlib.padding import (
    CircularPad2d, ReflectionPad2d, ReplicationPad2d, ZeroPad2d, pad, pad_backward,
)
from cnnlib.pooling import (
    AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d, MaxPool2d, adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward, avg_pool2d, avg_pool2d_backward, global_avg_pool2d,
    global_avg_pool2d_backward, global_max_pool2d, global_max_pool2d_backward, max_pool2d,
    max_pool2d_backward,
)
from cnnlib.shapes import (
    conv2d_parameters, conv_output_size, conv_transpose_output_size, effective_kernel_size,
    linear_parameters, receptive_field, rows_left_over, same_padding,
)
from cnnlib.training import Evaluation, History, evaluate, fit

__version__ = "0.1.0"
