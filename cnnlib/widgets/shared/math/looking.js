// What can be seen in a network while it learns.
import { ReLU } from "./activations.js";
import { eachMap } from "./array.js";
import { best } from "./lists.js";
import { cross_entropy, softmax } from "./loss.js";

const TOGETHER = 100; // images that are evaluated at once

const rootMeanSquare = (numbers) => Math.sqrt(numbers.reduce((sum, number) => sum + number * number, 0) / numbers.length);

/** The class with the largest number in each row. */
export function answers({ shape: [rows, classes], data }) {
  return Array.from({ length: rows }, (_, n) => best(data.subarray(n * classes, (n + 1) * classes)));
}

/** Marks the maps, or numbers, of x, what came into a ReLU, that are above 0 in an image. */
function markAlive(alive, { shape, data }) {
  eachMap({ shape: shape.length === 4 ? shape : [...shape, 1, 1], data }, (channel, first, end) => {
    for (let at = first; at < end && !alive[channel]; at++) alive[channel] = data[at] > 0;
  });
}

/** The network's loss, accuracy, answers and dead ReLUs on {images, labels}; see Trainer.evaluate. */
export function evaluation(network, { images: { shape: [count, ...shape], data }, labels }) {
  const area = data.length / count, alive = new Map(), wrong = [];
  const relus = network.layers().map(([, layer]) => layer).filter((layer) => layer instanceof ReLU);
  let loss = 0, confusion = null;
  for (let first = 0; first < count; first += TOGETHER) {
    const target = labels.slice(first, first + TOGETHER);
    const part = data.subarray(first * area, (first + TOGETHER) * area);
    const logits = network.forward({ shape: [target.length, ...shape], data: part });
    const probabilities = softmax(logits).data, classes = logits.shape[1];
    confusion ??= Array.from({ length: classes }, () => Array(classes).fill(0));
    loss += cross_entropy(logits, target) * target.length;
    for (const relu of relus) {
      const [x] = relu.saved;
      if (!alive.has(relu)) alive.set(relu, Array(x.shape[1]).fill(false));
      markAlive(alive.get(relu), x);
    }
    answers(logits).forEach((answer, n) => {
      confusion[target[n]][answer] += 1;
      if (answer === target[n]) return;
      wrong.push({ index: first + n, label: target[n], answer, probability: probabilities[n * classes + answer] });
    });
  }
  const dead = new Map([...alive].map(([relu, marks]) => [relu, marks.filter((mark) => !mark).length / marks.length]));
  return { loss: loss / count, accuracy: (count - wrong.length) / count, confusion, wrong, dead };
}

/** Every layer's numbers for one image, as Trainer.snapshot gives them. */
export function layersSeen(network, layers, image, { before, dead }) {
  let x = image;
  return [...network].map((layer, i) => {
    const { kind, layers: list } = layers[i], from = x, { weight, bias, running_mean, running_var } = layer;
    const inside = list ? layersSeen(layer.body, list, x, { before, dead }) : null;
    x = layer.forward(x);
    return {
      kind, input: from.shape.slice(1), output: x.shape.slice(1), before: from.data, values: x.data,
      weight: copied(weight), bias: copied(bias), running_mean: copied(running_mean), running_var: copied(running_var),
      sizes: weight ? sizes(weight, before.get(weight)) : null,
      dead: dead.get(layer) ?? null, layers: inside,
    };
  });
}

const copied = (array) => (array ? { shape: array.shape, data: array.data.slice() } : null);

/** Of a weight, its gradient and its last update. */
function sizes({ data, grad }, before) {
  const update = before ? rootMeanSquare(data.map((number, i) => number - before[i])) : null;
  return { weight: rootMeanSquare(data), gradient: grad ? rootMeanSquare(grad.data) : null, update };
}
