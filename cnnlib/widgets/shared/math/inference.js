// A trained network at work on one image, each layer's numbers kept to be looked at.
import { size, zeros } from "./array.js";
import { best } from "./lists.js";
import { unpackedNetwork } from "./packed.js";
import { windowAxes } from "./shapes.js";
import { geometry, products } from "./terms.js";

/** The axes of what slides in a layer over maps of `shape`, or null. */
function axesOf({ weight, options }, kind, shape) {
  if (kind === "Conv2d") return windowAxes(shape, weight.shape.slice(2), options[0]);
  return kind === "MaxPool2d" ? windowAxes(shape, options[0], { stride: options[0], ...options[1] }) : null;
}

/**
 * inference(layers, shape) is a network for one image of that shape. `steps` has for each layer its `kind`, the
 * `layer`, its `axes` if something slides in it, the shapes `input` and `output`, the numbers `before` it, and
 * the `values` that run(pixels) fills; run returns those of the last layer. Where a layer changes nothing, it
 * `computes` nothing either.
 */
export function inference(layers, shape) {
  const network = unpackedNetwork(layers), pixels = new Float64Array(size(shape));
  let [values, x] = [pixels, zeros([1, ...shape])];
  const steps = [...network].map((layer, i) => {
    const { kind } = layers[i], input = x.shape.slice(1);
    const step = { kind, layer, input, axes: axesOf(layer, kind, input), before: values, computes: !["Dropout", "Flatten"].includes(kind) };
    x = layer.forward(x);
    step.output = x.shape.slice(1);
    step.values = values = step.computes ? new Float64Array(x.data.length) : values;
    return step;
  });
  return { pixels, steps, run(image) {
    pixels.set(image);
    let now = { shape: [1, ...shape], data: pixels };
    for (const { layer, values } of steps) {
      now = layer.forward(now);
      if (now.data !== values) values.set(now.data);
    }
    return values;
  } };
}

/** By how much a logit is ahead of the best of the others. */
export const lead = (logits, k) => logits[k] - Math.max(...logits.filter((_, other) => other !== k));

/**
 * Where the network looks for its answer k: a patch of zeros covers one place after the other, and what
 * this takes off the lead of k is written there. A place is a square of `step` pixels, the patch reaches
 * `margin` pixels further on each side. Yields after each place, so that the page can breathe; the
 * map, [row][column], is filled as it goes.
 */
export function* occlusion(network, image, side, { step, margin }, map) {
  const logits = network.run(image), k = best(logits), whole = lead(logits, k);
  const range = (place) => [Math.max(0, place * step - margin), Math.min(side, (place + 1) * step + margin)];
  for (let row = 0; row * step < side; row++)
    for (let column = 0; column * step < side; column++) {
      const covered = Float64Array.from(image), [top, bottom] = range(row), [left, right] = range(column);
      for (let i = top; i < bottom; i++) covered.fill(0, i * side + left, i * side + right);
      map[row][column] = whole - lead(network.run(covered), k);
      yield;
    }
}

/**
 * The products behind one number of a convolution or a dense layer, a part for each channel that it hears:
 * {channel, total, terms}. `source` is the shape of the maps that come in, before they were flattened.
 */
export function partsOf({ kind, layer, before }, source, filter, i, j) {
  const shape = source.length === 3 ? source : [...source, 1, 1], x = { shape, data: before };
  const weight = kind === "Linear" ? { shape: [layer.weight.shape[0], ...shape], data: layer.weight.data } : layer.weight;
  const all = products(x, weight, geometry(x, weight, layer.options[0]), filter, i, j);
  const each = all.length / shape[0];
  return Array.from({ length: shape[0] }, (_, channel) => {
    const terms = all.slice(channel * each, (channel + 1) * each);
    return { channel, terms, total: terms.reduce((total, term) => total + term.pixel * term.weight, 0) };
  });
}
