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

const CHANGES_NOTHING = ["Dropout", "Flatten"];

/**
 * Appends the steps of a network, and returns what it gives, {values, shape}. Those inside a Residual come before
 * the step that adds what its `body` gives, `before`, and what goes around it, `around`.
 */
function unroll(network, layers, prefix, given, steps) {
  let { values, shape } = given;
  [...network].forEach((layer, i) => {
    const { kind, body, shortcut } = layers[i], name = `${prefix}${i}`, step = { name, kind, layer };
    if (kind === "Residual") {
      const start = { values, shape }, inside = unroll(layer.body, body, `${name}.body.`, start, steps);
      const around = shortcut ? unroll(layer.shortcut, shortcut, `${name}.shortcut.`, start, steps) : start;
      Object.assign(step, { before: inside.values, around: around.values, input: inside.shape, output: inside.shape });
    } else {
      const output = layer.forward(zeros([1, ...shape])).shape.slice(1);
      Object.assign(step, { before: values, input: shape, output });
    }
    const computes = !CHANGES_NOTHING.includes(kind), { before, output } = step;
    Object.assign(step, { axes: axesOf(layer, kind, step.input), computes, values: computes ? new Float64Array(size(output)) : before });
    steps.push(step);
    [values, shape] = [step.values, output];
  });
  return { values, shape };
}

/**
 * inference(layers, shape) is a network for one image of that shape. `steps` has for each layer its `name`, as in
 * the keys of its weights, its `kind`, the `layer`, its `axes` if something slides in it, the shapes `input` and
 * `output`, the numbers `before` it, and the `values` that run(pixels) fills; run returns those of the last layer.
 * Where a layer changes nothing, it `computes` nothing either. The layers inside a Residual have steps of their own.
 */
export function inference(layers, shape) {
  const pixels = new Float64Array(size(shape)), steps = [];
  const { values } = unroll(unpackedNetwork(layers), layers, "", { values: pixels, shape }, steps);
  return { pixels, steps, run(image) {
    pixels.set(image);
    for (const { layer, input, before, around, values } of steps) {
      if (around) before.forEach((number, i) => (values[i] = number + around[i]));
      else {
        const { data } = layer.forward({ shape: [1, ...input], data: before });
        if (data !== values) values.set(data);
      }
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
