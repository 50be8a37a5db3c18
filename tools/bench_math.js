// The first layers of the classifier with 421,642 parameters, forward and backward for a batch of 16, in the
// arithmetic of the pages and in TensorFlow.js. Each `make` gives a function that does the work once.
import { ReLU } from "../cnnlib/widgets/shared/math/activations.js";
import { map, zeros } from "../cnnlib/widgets/shared/math/array.js";
import { Conv2d } from "../cnnlib/widgets/shared/math/convolution.js";
import { Sequential } from "../cnnlib/widgets/shared/math/network.js";
import { MaxPool2d } from "../cnnlib/widgets/shared/math/pooling.js";

const random = (shape) => map(() => Math.random() - 0.5, zeros(shape, { data: new Float32Array() }));

function ours() {
  const conv = (channels, filters) => new Conv2d(channels, filters, 3, { padding: 1 });
  const network = new Sequential(conv(1, 32), new MaxPool2d(2), new ReLU(), conv(32, 64), new MaxPool2d(2), new ReLU());
  const images = random([16, 1, 28, 28]), grad = random([16, 64, 7, 7]);
  return () => {
    network.zero_grad();
    network.forward(images);
    network.backward_parameters(grad);
  };
}

/** The WASM backend has no kernel for the weights' gradient: it is the convolution of the images with the gradient. */
function weightGradient({ inputs: { x, dy }, attrs: { filterShape } }) {
  const pad = (filterShape[0] - 1) / 2;
  const total = tf.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), 1, pad);
  return tf.transpose(total, [1, 2, 0, 3]);
}

async function theirs(backend) {
  await tf.setBackend(backend);
  if (backend === "wasm" && !tf.getKernel("Conv2DBackpropFilter", "wasm"))
    tf.registerKernel({ kernelName: "Conv2DBackpropFilter", backendName: "wasm", kernelFunc: weightGradient });
  const images = tf.randomNormal([16, 28, 28, 1]), grad = tf.randomNormal([16, 7, 7, 64]);
  const weights = [[3, 3, 1, 32], [32], [3, 3, 32, 64], [64]].map((shape) => tf.randomNormal(shape));
  const block = (x, weight, bias) => tf.relu(tf.maxPool(tf.add(tf.conv2d(x, weight, 1, "same"), bias), 2, 2, "valid"));
  const gradients = tf.grads((w1, b1, w2, b2) => block(block(images, w1, b1), w2, b2));
  return () => tf.tidy(() => gradients(weights, grad).forEach((one) => one.dataSync()));
}

/** The seconds of each of `count` runs, after two that are not counted. */
export async function seconds(side, count) {
  const work = side === "ours" ? ours() : await theirs(side), times = [];
  for (let run = -2; run < count; run++) {
    const start = performance.now();
    work();
    if (run >= 0) times.push((performance.now() - start) / 1000);
  }
  return times;
}
