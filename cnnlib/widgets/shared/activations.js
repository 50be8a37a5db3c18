// Activations and their slopes, as cnnlib and torch compute them, with no page in it.

const shrunk = (x) => Math.exp(-Math.abs(x)); // never overflows
const sigmoid = (x) => (x >= 0 ? 1 : shrunk(x)) / (1 + shrunk(x));

/**
 * Name in cnnlib to: `title` in words, `value(x, leak)`, `slope(x, leak)`, `bounded` when the values
 * stay within -1 and 1, `jumps` where the slope jumps. `leak` is leaky ReLU's negative_slope.
 */
export const ACTIVATIONS = {
  relu: { title: "ReLU", jumps: [0], value: (x) => Math.max(x, 0), slope: (x) => (x > 0 ? 1 : 0) },
  leaky_relu: { title: "leaky ReLU", jumps: [0],
    value: (x, leak) => (x > 0 ? x : x * leak), slope: (x, leak) => (x > 0 ? 1 : leak) },
  tanh: { title: "tanh", bounded: true, jumps: [], value: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 },
  hardtanh: { title: "hard tanh", bounded: true, jumps: [-1, 1],
    value: (x) => Math.min(Math.max(x, -1), 1), slope: (x) => (x > -1 && x < 1 ? 1 : 0) },
  sigmoid: { title: "sigmoid", bounded: true, jumps: [],
    value: sigmoid, slope: (x) => sigmoid(x) * (1 - sigmoid(x)) },
  identity: { title: "identity", jumps: [], value: (x) => x, slope: () => 1 },
};
