// The first layers of the classifier with 421,642 parameters, forward and backward for a batch of 16, in the
// arithmetic of the pages and in TensorFlow.js, and the same of a batch of the playground: each function gives one
// that does the work once. Besides, a whole training in the playground's worker.
import source from "../cnnlib/widgets/playground_worker.js" with { type: "text" };
import { ReLU } from "../cnnlib/widgets/shared/math/activations.js";
import { map, zeros } from "../cnnlib/widgets/shared/math/array.js";
import { Conv2d } from "../cnnlib/widgets/shared/math/convolution.js";
import { Sequential } from "../cnnlib/widgets/shared/math/network.js";
import { MaxPool2d } from "../cnnlib/widgets/shared/math/pooling.js";
import { CLASSES } from "../cnnlib/widgets/shared/math/digits.js";
import { Trainer } from "../cnnlib/widgets/shared/math/trainer.js";
import { createEngine } from "../cnnlib/widgets/shared/view/engine.js";

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

async function useBackend(backend) {
  await tf.setBackend(backend);
  if (backend === "wasm" && !tf.getKernel("Conv2DBackpropFilter", "wasm"))
    tf.registerKernel({ kernelName: "Conv2DBackpropFilter", backendName: "wasm", kernelFunc: weightGradient });
}

function theirs() {
  const images = tf.randomNormal([16, 28, 28, 1]), grad = tf.randomNormal([16, 7, 7, 64]);
  const weights = [[3, 3, 1, 32], [32], [3, 3, 32, 64], [64]].map((shape) => tf.randomNormal(shape));
  const block = (x, weight, bias) => tf.relu(tf.maxPool(tf.add(tf.conv2d(x, weight, 1, "same"), bias), 2, 2, "valid"));
  const gradients = tf.grads((w1, b1, w2, b2) => block(block(images, w1, b1), w2, b2));
  return () => tf.tidy(() => gradients(weights, grad).forEach((one) => one.dataSync()));
}

const BATCH = 32, SIDE = 8, IMAGES = 1280;

function oursPlaying(layers) {
  const images = map(Math.random, zeros([IMAGES, 1, SIDE, SIDE], { data: new Float32Array() }));
  const labels = Array.from({ length: IMAGES }, (_, n) => n % CLASSES);
  const one = { images: { shape: [1, 1, SIDE, SIDE], data: images.data.slice(0, SIDE ** 2) }, labels: [0] };
  const data = { train: { images, labels }, validation: one, own: 0 };
  const trainer = new Trainer({ layers, settings: { batch_size: BATCH, lr: 0.01 }, data });
  return () => trainer.batch();
}

/** The same in TensorFlow.js, whose images have their channels last. */
function theirsPlaying(layers) {
  let channels = 1, features = SIDE ** 2;
  const variables = [], draw = (shape, fanIn) => {
    const bound = 1 / Math.sqrt(fanIn);
    variables.push(tf.variable(tf.randomUniform(shape, -bound, bound)), tf.variable(tf.zeros(shape.slice(-1))));
    return variables.slice(-2);
  };
  const make = {
    Conv2d({ out_channels, kernel_size, padding }) {
      const [weight, bias] = draw([kernel_size, kernel_size, channels, out_channels], kernel_size ** 2 * channels);
      [channels, features] = [out_channels, features / channels * out_channels];
      return (x) => tf.add(tf.conv2d(x, weight, 1, padding), bias);
    },
    Linear({ out_features }) {
      const [weight, bias] = draw([features, out_features], features);
      features = out_features;
      return (x) => tf.add(tf.matMul(x, weight), bias);
    },
    MaxPool2d({ kernel_size, stride }) {
      features /= kernel_size ** 2;
      return (x) => tf.maxPool(x, kernel_size, stride, "valid");
    },
    ReLU: () => tf.relu,
    Flatten: () => (x) => x.reshape([BATCH, -1]),
  };
  const network = layers.map((layer) => make[layer.kind](layer)), optimizer = tf.train.momentum(0.01, 0.9);
  const images = tf.randomUniform([BATCH, SIDE, SIDE, 1]);
  const labels = tf.oneHot(Array.from({ length: BATCH }, (_, n) => n % CLASSES), CLASSES);
  const loss = () => tf.losses.softmaxCrossEntropy(labels, network.reduce((x, layer) => layer(x), images));
  return () => tf.tidy(() => optimizer.minimize(loss, true, variables).dataSync());
}

/**
 * The seconds of each of `count` runs, after some that are not counted: of the classifier's first layers, or of a
 * batch of the playground with these layers.
 */
export async function seconds(side, count, layers = null) {
  if (side !== "ours") await useBackend(side);
  const [own, other] = layers ? [oursPlaying, theirsPlaying] : [ours, theirs];
  const work = side === "ours" ? own(layers) : other(layers), times = [];
  for (let run = layers ? -20 : -2; run < count; run++) {
    const start = performance.now();
    work();
    if (run >= 0) times.push((performance.now() - start) / 1000);
  }
  return times;
}

/** A training in the worker for so many seconds: {history, times, frames}, with the seconds of each history's entry. */
export const play = (start, limit) => new Promise((done, fail) => {
  let begin = 0, frames = 0;
  const times = [], count = () => {
    frames += 1;
    requestAnimationFrame(count);
  };
  const engine = createEngine(source, ({ type, message, runs }) => {
    if (type !== "progress") return fail(new Error(message));
    const [{ history }] = runs, now = (performance.now() - begin) / 1000;
    while (times.length < history.length) times.push(begin ? now : 0);
    if (!begin) {
      begin = performance.now();
      count();
      engine.post({ type: "play" });
    } else if (now > limit) {
      engine.close();
      done({ history, times, frames: frames / now, inPage: engine.inPage() });
    }
  });
  engine.post({ type: "start", ...start });
});
