// Dense layers as cnnlib.dense has them: every output is a weighted sum of all inputs.
import { arrayLike, reshape, size } from "./array.js";
import { require, requireShape } from "./checks.js";
import { FunctionLayer, WeightedLayer } from "./layer.js";
import { addProduct, doubles, matrix, transposed } from "./products.js";

/** Each image's numbers in a row: (N, C, H, W) to (N, C · H · W). */
export const flatten = (x) => reshape(x, [x.shape[0], size(x.shape.slice(1))]);
export const flatten_backward = (grad_output, x) => reshape(grad_output, x.shape);

const outputShape = (x, weight) => [...x.shape.slice(0, -1), weight.shape[0]];

function rowsOf(owner, x, weight) {
  const inputs = x.shape.at(-1), expected = weight.shape[1];
  require(inputs === expected, `${owner}: weight expects ${expected} inputs, x has ${inputs}`);
  return x.data.length / inputs;
}

/** x times weight transposed, plus bias: (N, inputs) to (N, outputs), or (inputs) to (outputs). */
export function linear(x, weight, bias = null) {
  const rows = rowsOf("linear", x, weight), [outputs, inputs] = weight.shape, total = new Float64Array(rows * outputs);
  if (bias) requireShape("linear", "bias", bias, [outputs]);
  for (let n = 0; bias && n < rows; n++) total.set(bias.data, n * outputs);
  const [left, right] = [matrix(doubles(x.data), inputs), matrix(doubles(weight.data), inputs)];
  addProduct(matrix(total, outputs), left, transposed(right), rows, inputs, outputs);
  return arrayLike(x, outputShape(x, weight), total);
}

/** The gradients for linear's input, weight and bias. */
export function linear_backward(grad_output, x, weight) {
  const rows = rowsOf("linear_backward", x, weight), [outputs, inputs] = weight.shape;
  requireShape("linear_backward", "grad_output", grad_output, outputShape(x, weight));
  const [dx, dw, db] = [x.data, weight.data, { length: outputs }].map(({ length }) => new Float64Array(length));
  const grad = matrix(doubles(grad_output.data), outputs);
  addProduct(matrix(dx, inputs), grad, matrix(doubles(weight.data), inputs), rows, outputs, inputs);
  addProduct(matrix(dw, inputs), transposed(grad), matrix(doubles(x.data), inputs), outputs, rows, inputs);
  grad.data.forEach((number, at) => (db[at % outputs] += number));
  return [arrayLike(x, x.shape, dx), arrayLike(x, weight.shape, dw), arrayLike(x, [outputs], db)];
}

export class Flatten extends FunctionLayer {
  constructor() {
    super(flatten, flatten_backward);
  }
}

/** cnnlib.Linear; options are `bias` (false: none), and those with which weights are drawn. */
export class Linear extends WeightedLayer {
  constructor(in_features, out_features, draw = {}) {
    super(linear, linear_backward);
    this.draw([out_features, in_features], out_features, draw);
  }
}
