"""Widgets that compute in the browser: alive in the built pages, synced with Python elsewhere."""

from cnnlib.widgets.activation_explorer import ActivationExplorer
from cnnlib.widgets.architecture_builder import ArchitectureBuilder
from cnnlib.widgets.batch_norm import BatchNorm
from cnnlib.widgets.boxes import Boxes
from cnnlib.widgets.calibration import Calibration
from cnnlib.widgets.check import Check, Question
from cnnlib.widgets.confusion import Confusion
from cnnlib.widgets.convolution_backward import ConvolutionBackward
from cnnlib.widgets.convolution_matrix import ConvolutionMatrix
from cnnlib.widgets.draw_digit import DrawDigit
from cnnlib.widgets.gradient_checker import GradientChecker
from cnnlib.widgets.im2col import Im2col
from cnnlib.widgets.learning_rate import LearningRate
from cnnlib.widgets.logits import Logits
from cnnlib.widgets.network_trace import NetworkTrace
from cnnlib.widgets.neurons import Neurons
from cnnlib.widgets.norm_axes import NormAxes
from cnnlib.widgets.nudge import Nudge
from cnnlib.widgets.occlusion import Occlusion
from cnnlib.widgets.optimizer_race import OptimizerRace
from cnnlib.widgets.output_size import OutputSize
from cnnlib.widgets.photo_classifier import PhotoClassifier
from cnnlib.widgets.photo_kernel import PhotoKernel
from cnnlib.widgets.pixel_drawing import PixelDrawing
from cnnlib.widgets.pixel_magnifier import PixelMagnifier
from cnnlib.widgets.pixel_shuffle import PixelShuffle
from cnnlib.widgets.playground import Playground
from cnnlib.widgets.pooling_backward import PoolingBackward
from cnnlib.widgets.pooling_explorer import PoolingExplorer
from cnnlib.widgets.shift_explorer import ShiftExplorer
from cnnlib.widgets.sliding_kernel import SlidingKernel
from cnnlib.widgets.training_playback import TrainingPlayback

__all__ = [
    "ActivationExplorer",
    "ArchitectureBuilder",
    "BatchNorm",
    "Boxes",
    "Calibration",
    "Check",
    "Confusion",
    "ConvolutionBackward",
    "ConvolutionMatrix",
    "DrawDigit",
    "GradientChecker",
    "Im2col",
    "LearningRate",
    "Logits",
    "NetworkTrace",
    "Neurons",
    "NormAxes",
    "Nudge",
    "Occlusion",
    "OptimizerRace",
    "OutputSize",
    "PhotoClassifier",
    "PhotoKernel",
    "PixelDrawing",
    "PixelMagnifier",
    "PixelShuffle",
    "Playground",
    "PoolingBackward",
    "PoolingExplorer",
    "Question",
    "ShiftExplorer",
    "SlidingKernel",
    "TrainingPlayback",
]
