// The sizes and counts of a stack of layers, as cnnlib.summary has them, with no page in it.
// A shape is [channels, rows, columns], or [features] once it is flat. Numbers are of 4 bytes.
import { sum } from "./lists.js";
import { axis } from "./shapes.js";

const count = (label, least, value) => ({ label, least, value });
const POOLING = {
  kernel_size: count("window", 1, 2), stride: count("stride", 1, 2), padding: count("padding", 0, 0),
};

/** The layers there are, each with the numbers that can be set: their labels, least and usual values. */
export const LAYERS = {
  Conv2d: {
    out_channels: count("filters", 1, 8), kernel_size: count("kernel", 1, 3), stride: count("stride", 1, 1),
    padding: count("padding", 0, 0), dilation: count("dilation", 1, 1), groups: count("groups", 1, 1),
  },
  ReLU: {},
  Tanh: {},
  MaxPool2d: POOLING,
  AvgPool2d: POOLING,
  GlobalAvgPool2d: {},
  BatchNorm2d: {},
  Dropout: {},
  Flatten: {},
  Linear: { out_features: count("outputs", 1, 10) },
};

export const product = (numbers) => numbers.reduce((total, number) => total * number, 1);
export const written = (shape) => shape.join("×");
const isWindow = (layer) => "kernel_size" in layer;
const isShapeless = (layer) => ["ReLU", "Tanh", "Dropout", "Flatten"].includes(layer.kind);

/** Both axes of a sliding layer. */
export const axes = (layer, [, rows, columns]) =>
  [rows, columns].map((size) => axis(size, layer.kernel_size, layer.stride, layer.padding, layer.dilation ?? 1));

/** Why the layers inside a Residual cannot stand there, or "": what they give is added to what came in. */
function misfitInside({ layers }, shape) {
  if (!layers.length) return "Residual: there is no layer in it.";
  const rows = summarize(layers, shape), broken = rows.find(({ error }) => error);
  if (broken) return `Residual: ${broken.error}`;
  const given = written(rows.at(-1).output);
  return given === written(shape) ? ""
    : `Residual: its layers give ${given}, what comes in is ${written(shape)}; expected the same shape, since both are added.`;
}

/** Why the layer cannot take an input of this shape, or "". */
function misfit(layer, shape) {
  const { kind } = layer;
  if (kind === "Residual") return misfitInside(layer, shape);
  if (kind === "Linear" && shape.length > 1)
    return `Linear: expected a row of numbers, what comes in is ${written(shape)}. Put Flatten before it.`;
  if (kind === "Linear" || isShapeless(layer)) return "";
  if (shape.length === 1)
    return `${kind}: expected maps (channels, rows, columns), what comes in is a row of ${shape[0]} numbers.`
      + " Move it before Flatten.";
  if (kind === "Conv2d" && (shape[0] % layer.groups || layer.out_channels % layer.groups))
    return `Conv2d: groups is ${layer.groups}; expected a divisor of the ${shape[0]} channels that come in`
      + ` and of the ${layer.out_channels} filters.`;
  if (!isWindow(layer)) return "";
  if (kind !== "Conv2d" && layer.padding > layer.kernel_size / 2)
    return `${kind}: padding is ${layer.padding}; expected at most half the window of ${layer.kernel_size}.`;
  const sides = axes(layer, shape);
  const tight = sides.findIndex((side) => side.output < 1);
  if (tight < 0) return "";
  const what = kind === "Conv2d" ? "kernel" : "window";
  return `${kind}: the ${what} extends over ${sides[tight].extent} ${["rows", "columns"][tight]},`
    + ` what comes in has only ${sides[tight].padded}${layer.padding ? " with its padding" : ""}.`;
}

function outputShape(layer, shape) {
  if (layer.kind === "Flatten") return [product(shape)];
  if (layer.kind === "Linear") return [layer.out_features];
  if (layer.kind === "GlobalAvgPool2d") return [shape[0], 1, 1];
  if (!isWindow(layer)) return shape;
  return [layer.out_channels ?? shape[0], ...axes(layer, shape).map((side) => side.output)];
}

const inside = (layer, shape) => summarize(layer.layers, shape);

/** [weights, biases] that are trained. */
function weightsAndBiases(layer, shape) {
  if (layer.kind === "Residual")
    return ["weights", "biases"].map((name) => sum(inside(layer, shape).map((row) => row[name])));
  if (layer.kind === "Conv2d")
    return [layer.out_channels * (shape[0] / layer.groups) * layer.kernel_size ** 2, layer.out_channels];
  if (layer.kind === "Linear") return [shape[0] * layer.out_features, layer.out_features];
  return layer.kind === "BatchNorm2d" ? [shape[0], shape[0]] : [0, 0];
}

function multiplyAdds(layer, shape, output) {
  if (layer.kind === "Residual") return sum(inside(layer, shape).map((row) => row.multiplyAdds));
  if (layer.kind === "Conv2d") return product(output) * (shape[0] / layer.groups) * layer.kernel_size ** 2;
  return layer.kind === "Linear" ? shape[0] * layer.out_features : 0;
}

/** What one number of the output sees: {seen, step} as [rows, columns]; null where summary gives none. */
function fieldAfter(layer, shape, output, field) {
  if (!field || output.length < 3 || layer.kind === "Residual") return null;
  if (isWindow(layer)) {
    const reach = (layer.dilation ?? 1) * (layer.kernel_size - 1);
    return {
      seen: field.seen.map((seen, i) => seen + reach * field.step[i]),
      step: field.step.map((step) => step * layer.stride),
    };
  }
  return written(shape) === written(output) ? field : null;
}

/** A row for each layer. The first that does not fit has an `error`; those after it have only their layer. */
export function summarize(layers, inputShape) {
  let shape = inputShape, field = { seen: [1, 1], step: [1, 1] }, broken = false;
  return layers.map((layer) => {
    if (broken) return { layer };
    const error = misfit(layer, shape);
    if (error) {
      broken = true;
      return { layer, input: shape, error };
    }
    const output = outputShape(layer, shape);
    const after = fieldAfter(layer, shape, output, field);
    const [weights, biases] = weightsAndBiases(layer, shape);
    const row = {
      layer, input: shape, output, weights, biases, parameters: weights + biases,
      multiplyAdds: multiplyAdds(layer, shape, output), bytes: 4 * product(output), before: field, field: after,
    };
    [shape, field] = [output, after];
    return row;
  });
}

/** The layer as it is written in code; `input` is what comes in, or undefined while that is unknown. */
export function call(layer, input, torch = false) {
  const first = input ? input[0] : "?";
  const named = (names) =>
    names.filter(([name, usual]) => layer[name] !== usual).map(([name]) => `${name}=${layer[name]}`);
  const list = {
    Conv2d: () => [first, layer.out_channels, layer.kernel_size,
      ...named([["stride", 1], ["padding", 0], ["dilation", 1], ["groups", 1]])],
    MaxPool2d: () => [layer.kernel_size, ...named([["stride", layer.kernel_size], ["padding", 0]])],
    BatchNorm2d: () => [first],
    Dropout: () => [layer.p ?? []].flat(),
    Linear: () => [first, layer.out_features],
  };
  list.AvgPool2d = list.MaxPool2d;
  if (torch && layer.kind === "GlobalAvgPool2d") return "AdaptiveAvgPool2d(1)";
  return `${layer.kind}(${(list[layer.kind]?.() ?? []).join(", ")})`;
}

/** The whole network in PyTorch or in cnnlib, ready to be pasted; all rows must fit. */
export function program(rows, torch) {
  const library = torch ? "nn" : "cnnlib";
  const lines = rows.map((row) => `    ${library}.${call(row.layer, row.input, torch)},\n`);
  return `${torch ? "from torch import nn" : "import cnnlib"}\n\nmodel = ${library}.Sequential(\n${lines.join("")})\n`;
}
