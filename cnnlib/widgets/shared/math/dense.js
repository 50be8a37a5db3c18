// Dense layers as cnnlib.dense has them: every output is a weighted sum of all inputs.
import { reshape, size, zeros } from "./array.js";
import { require, requireShape } from "./checks.js";
import { FunctionLayer, WeightedLayer } from "./layer.js";
import { addProduct, matrix, transposed } from "./products.js";

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
  const rows = rowsOf("linear", x, weight), [outputs, inputs] = weight.shape, output = zeros(outputShape(x, weight), x);
  if (bias) requireShape("linear", "bias", bias, [outputs]);
  for (let n = 0; bias && n < rows; n++) output.data.set(bias.data, n * outputs);
  const [left, right] = [matrix(weight.data, inputs), transposed(matrix(x.data, inputs))];
  addProduct(transposed(matrix(output.data, outputs)), left, right, outputs, inputs, rows); // fills blocks if rows is 1
  return output;
}

/** The gradients for linear's input, weight and bias. */
export function linear_backward(grad_output, x, weight) {
  const rows = rowsOf("linear_backward", x, weight), [outputs, inputs] = weight.shape;
  requireShape("linear_backward", "grad_output", grad_output, outputShape(x, weight));
  const [dx, dw, db] = [x.shape, weight.shape, [outputs]].map((shape) => zeros(shape, x));
  const grad = matrix(grad_output.data, outputs);
  addProduct(matrix(dx.data, inputs), grad, matrix(weight.data, inputs), rows, outputs, inputs);
  addProduct(matrix(dw.data, inputs), transposed(grad), matrix(x.data, inputs), outputs, rows, inputs);
  grad_output.data.forEach((number, at) => (db.data[at % outputs] += number));
  return [dx, dw, db];
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
