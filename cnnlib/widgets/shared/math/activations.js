// Activations as cnnlib.activations has them: a function of one number, applied to each. A gradient that is stopped
// is 0 even if it was infinite.
import { map, zeros } from "./array.js";
import { requireShape } from "./checks.js";
import { FunctionLayer } from "./layer.js";

/** name(x, ...options) and name_backward(grad_output, x, ...options), made of functions of one number. */
const each = (value) => (x, ...options) => map((one) => value(one, ...options), x);
const eachBack = (owner, gradient) => (grad_output, x, ...options) => {
  requireShape(owner, "grad_output", grad_output, x.shape);
  return map((one, grad) => gradient(grad, one, ...options), x, grad_output);
};

/** The most common one has loops of its own, many times as fast as the call of a function for each number. */
export function relu(x) {
  const output = zeros(x.shape, x), from = x.data, to = output.data;
  for (let i = 0; i < from.length; i++) to[i] = from[i] <= 0 ? 0 : from[i];
  return output;
}
export function relu_backward(grad_output, x) {
  requireShape("relu_backward", "grad_output", grad_output, x.shape);
  const dx = zeros(x.shape, x), from = x.data, grad = grad_output.data, to = dx.data;
  for (let i = 0; i < from.length; i++) to[i] = from[i] <= 0 ? 0 : grad[i];
  return dx;
}

export const leaky_relu = each((x, slope = 0.01) => (x > 0 ? x : x * slope));
export const leaky_relu_backward = eachBack("leaky_relu_backward", (grad, x, slope = 0.01) => (x > 0 ? grad : grad * slope));

export const tanh = each(Math.tanh);
export const tanh_backward = eachBack("tanh_backward", (grad, x) => grad * (1 - Math.tanh(x) ** 2));

export const hardtanh = each((x, min_val = -1, max_val = 1) => Math.min(Math.max(x, min_val), max_val));
export const hardtanh_backward = eachBack("hardtanh_backward",
  (grad, x, min_val = -1, max_val = 1) => (x <= min_val || x >= max_val ? 0 : grad));

/** Of its two forms each is used where exp does not overflow. */
function sigmoidOf(x) {
  const small = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
}
export const sigmoid = each(sigmoidOf);
export const sigmoid_backward = eachBack("sigmoid_backward", (grad, x) => grad * sigmoidOf(x) * (1 - sigmoidOf(x)));

export const silu = each((x) => x * sigmoidOf(x));
export const silu_backward = eachBack("silu_backward", (grad, x) => grad * sigmoidOf(x) * (1 + x * (1 - sigmoidOf(x))));

/** The error function: a series of positive terms (Abramowitz and Stegun, 7.1.6), which nothing is lost in. */
function erf(x) {
  if (!(Math.abs(x) < 6)) return Math.sign(x); // nan of nan
  let total = 0;
  for (let n = 0, term = x; total !== total + term; n++, term *= (2 * x * x) / (2 * n + 1)) total += term;
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** The share of a standard normal distribution that lies below x, and its slope. */
function shareBelow(x, approximate = "none") {
  if (approximate === "none")
    return [(1 + erf(x * Math.SQRT1_2)) / 2, Math.exp((-x * x) / 2) * Math.sqrt(0.5 / Math.PI)];
  const scale = Math.sqrt(2 / Math.PI), t = Math.tanh(scale * (x + 0.044715 * x ** 3));
  return [(1 + t) / 2, (1 - t * t) * scale * (0.5 + 1.5 * 0.044715 * x * x)];
}
export const gelu = each((x, approximate) => x * shareBelow(x, approximate)[0]);
export const gelu_backward = eachBack("gelu_backward", (grad, x, approximate) => {
  const [share, slope] = shareBelow(x, approximate);
  return grad * (share + x * slope);
});

export const elu = each((x, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x)));
export const elu_backward = eachBack("elu_backward", (grad, x, alpha = 1) => (x <= 0 ? grad * alpha * Math.exp(x) : grad));

export const identity = each((x) => x);
export const identity_backward = eachBack("identity_backward", (grad) => grad);

export class ReLU extends FunctionLayer {
  constructor() {
    super(relu, relu_backward);
  }
}
export class LeakyReLU extends FunctionLayer {
  constructor(negative_slope = 0.01) {
    super(leaky_relu, leaky_relu_backward, negative_slope);
  }
}
export class Tanh extends FunctionLayer {
  constructor() {
    super(tanh, tanh_backward);
  }
}
export class Hardtanh extends FunctionLayer {
  constructor(min_val = -1, max_val = 1) {
    super(hardtanh, hardtanh_backward, min_val, max_val);
  }
}
export class Sigmoid extends FunctionLayer {
  constructor() {
    super(sigmoid, sigmoid_backward);
  }
}
export class SiLU extends FunctionLayer {
  constructor() {
    super(silu, silu_backward);
  }
}
export class GELU extends FunctionLayer {
  constructor(approximate = "none") {
    super(gelu, gelu_backward, approximate);
  }
}
export class ELU extends FunctionLayer {
  constructor(alpha = 1) {
    super(elu, elu_backward, alpha);
  }
}
export class Identity extends FunctionLayer {
  constructor() {
    super(identity, identity_backward);
  }
}
