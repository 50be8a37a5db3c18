// Batch normalization and dropout as cnnlib.normalization has them.
import { arrayLike, eachMap, map, zeros } from "./array.js";
import { require, requireShape } from "./checks.js";
import { Layer, Parameter } from "./layer.js";

export const EPS = 1e-5;
export const MOMENTUM = 0.1;

const filled = (length, number, dtype) => ({ shape: [length], data: new dtype(length).fill(number) });

/** Each channel's mean and variance over a batch (N, C, H, W), and the `count` that both are divided by. */
export function moments(x) {
  const { data } = x, channels = x.shape.at(-3), count = data.length / channels;
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  eachMap(x, (channel, first, end) => {
    let sum = 0;
    for (let at = first; at < end; at++) sum += data[at];
    mean[channel] += sum / count;
  });
  eachMap(x, (channel, first, end) => {
    let sum = 0;
    for (let at = first; at < end; at++) sum += (data[at] - mean[channel]) ** 2;
    variance[channel] += sum / count;
  });
  return { mean, variance, count };
}

/** cnnlib.BatchNorm2d: in training by the batch's mean and variance, otherwise by the running ones. */
export class BatchNorm2d extends Layer {
  buffers = ["running_mean", "running_var", "num_batches_tracked"];
  constructor(num_features, { eps = EPS, momentum = MOMENTUM, dtype = Float32Array } = {}) {
    super();
    Object.assign(this, { eps, momentum });
    this.weight = new Parameter(filled(num_features, 1, dtype));
    this.bias = new Parameter(filled(num_features, 0, dtype));
    this.running_mean = filled(num_features, 0, dtype);
    this.running_var = filled(num_features, 1, dtype);
    this.num_batches_tracked = { shape: [], data: new Float64Array(1) };
  }

  forward(x) {
    const { training, weight, bias } = this, [, channels] = x.shape, expected = weight.data.length;
    const right = x.shape.length === 4 && channels === expected;
    require(right, `BatchNorm2d: x has shape (${x.shape.join(", ")}); expected (N, ${expected}, H, W)`);
    const { mean, variance } = training ? this.track(x) : { mean: this.running_mean.data, variance: this.running_var.data };
    const inverse = Float64Array.from(variance, (number) => 1 / Math.sqrt(number + this.eps));
    const normal = zeros(x.shape, x), output = zeros(x.shape, x);
    eachMap(x, (c, first, end) => {
      for (let at = first; at < end; at++) {
        normal.data[at] = (x.data[at] - mean[c]) * inverse[c];
        output.data[at] = normal.data[at] * weight.data[c] + bias.data[c];
      }
    });
    this.saved = [normal, inverse, training];
    return output;
  }

  /** The batch's moments; the running ones are moved towards them, the variance that divides by count - 1. */
  track(x) {
    const { mean, variance, count } = moments(x), { running_mean, running_var, momentum } = this;
    require(count > 1, "BatchNorm2d: x has one value per channel, which has no variance; expected 2 or more images");
    const move = ({ data }, batch) => data.forEach((own, c) => (data[c] = own + momentum * (batch(c) - own)));
    move(running_mean, (c) => mean[c]);
    move(running_var, (c) => (variance[c] * count) / (count - 1));
    this.num_batches_tracked.data[0] += 1;
    return { mean, variance };
  }

  /** In training each pixel also moves its channel's mean and variance. */
  backward(grad_output) {
    const [normal, inverse, training] = this.recall(), { weight, bias } = this, grad = grad_output.data;
    requireShape("BatchNorm2d.backward", "grad_output", grad_output, normal.shape);
    const channels = weight.data.length, count = normal.data.length / channels, dx = zeros(normal.shape, normal);
    const [products, sums] = [new Float64Array(channels), new Float64Array(channels)];
    eachMap(normal, (c, first, end) => {
      for (let at = first; at < end; at++) {
        products[c] += grad[at] * normal.data[at];
        sums[c] += grad[at];
      }
    });
    weight.accumulate(arrayLike(normal, weight.shape, products));
    bias.accumulate(arrayLike(normal, bias.shape, sums));
    eachMap(normal, (c, first, end) => {
      const scale = weight.data[c] * inverse[c];
      for (let at = first; at < end; at++) {
        const moved = training ? (sums[c] + normal.data[at] * products[c]) / count : 0;
        dx.data[at] = (grad[at] - moved) * scale;
      }
    });
    return dx;
  }
}

/** cnnlib.Dropout: in training numbers become 0 with probability p, and the others grow by what is missing. */
export class Dropout extends Layer {
  constructor(p = 0.5, { random = Math.random } = {}) {
    super();
    Object.assign(this, { p, random });
  }
  forward(x) {
    const grown = this.p < 1 ? 1 / (1 - this.p) : 0;
    const mask = this.training ? map(() => (this.random() >= this.p ? grown : 0), x) : null;
    this.saved = [mask];
    return mask ? map((number, kept) => number * kept, x, mask) : x;
  }
  backward(grad_output) {
    const [mask] = this.recall();
    return mask ? map((number, kept) => number * kept, grad_output, mask) : grad_output;
  }
}
