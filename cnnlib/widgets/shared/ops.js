// The arithmetic of the widgets, with no page in it, so that tests can run it against cnnlib.
// Arrays are nested: an image is [channel][row][column], a weight [filter][channel][row][column].

export const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
export const table = (rows, columns, fill) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => fill(i, j)));

export const pair = (value) => (Array.isArray(value) ? value : [value, value]);

/** One axis of a sliding window: its sizes, and the positions it takes, as torch computes them. */
export function axis(size, kernel, stride, padding, dilation, ceilMode = false) {
  const extent = dilation * (kernel - 1) + 1;
  // "same" adds extent - 1 zeros; when that is odd, the extra one goes to the end.
  const before = padding === "same" ? Math.floor((extent - 1) / 2) : padding === "valid" ? 0 : padding;
  let after = padding === "same" ? extent - 1 - before : before;
  let output = Math.floor((size + before + after - extent) / stride) + 1;
  const reach = output * stride + extent; // of one window more, which ceil_mode lets out if it begins early enough
  if (ceilMode && (size + before + after - extent) % stride && output * stride < size + before) {
    output += 1;
    after = reach - before - size;
  }
  const padded = size + before + after;
  const read = new Set();
  for (let i = 0; i < output; i++) for (let a = 0; a < kernel; a++) read.add(i * stride + a * dilation);
  const skipped = Array.from({ length: padded }, (_, i) => i).filter((i) => !read.has(i));
  return { size, kernel, stride, dilation, extent, before, after, padded, output, skipped };
}

/** Both axes and the groups of a convolution of image x with weight. */
export function geometry(x, weight, { stride = 1, padding = 0, dilation = 1, groups = 1 } = {}) {
  const sizes = [x[0].length, x[0][0].length];
  const kernels = [weight[0][0].length, weight[0][0][0].length];
  const [strides, paddings, dilations] = [pair(stride), pair(padding), pair(dilation)];
  const [rows, columns] = [0, 1].map((i) => axis(sizes[i], kernels[i], strides[i], paddings[i], dilations[i]));
  return { rows, columns, groups, channels: x.length / groups, filters: weight.length / groups };
}

/** The products of one output number: which pixel meets which weight. Padding reads as 0. */
export function products(x, weight, geometry, filter, i, j) {
  const { rows, columns, channels, filters } = geometry;
  const first = Math.floor(filter / filters) * channels;
  return weight[filter].flatMap((plane, c) =>
    plane.flatMap((line, a) =>
      line.map((w, b) => {
        const row = i * rows.stride + a * rows.dilation - rows.before;
        const column = j * columns.stride + b * columns.dilation - columns.before;
        const pixel = x[first + c][row]?.[column] ?? 0;
        return { channel: first + c, plane: c, a, b, row, column, pixel, weight: w };
      }),
    ),
  );
}

/** Cross-correlation, as torch's conv2d: [filter][row][column]. Adds up `products` without listing them. */
export function conv2d(x, weight, bias, options) {
  const { rows, columns, channels, filters } = geometry(x, weight, options);
  return weight.map((planes, filter) => {
    const first = Math.floor(filter / filters) * channels;
    return table(rows.output, columns.output, (i, j) => {
      const [top, left] = [i * rows.stride - rows.before, j * columns.stride - columns.before];
      let total = 0;
      for (let c = 0; c < planes.length; c++) for (let a = 0; a < rows.kernel; a++) {
        const line = x[first + c][top + a * rows.dilation];
        for (let b = 0; line && b < columns.kernel; b++)
          total += (line[left + b * columns.dilation] ?? 0) * planes[c][a][b];
      }
      return total + bias[filter];
    });
  });
}

/**
 * Every meeting of a pixel and a weight, with the gradient of the output number they met in: it adds
 * pixel·gradient to the weight's gradient and weight·gradient to the pixel's. In order of the outputs.
 */
export function contributions(gradOutput, x, weight, geometry) {
  return gradOutput.flatMap((map, filter) =>
    map.flatMap((line, i) =>
      line.flatMap((gradient, j) =>
        products(x, weight, geometry, filter, i, j).map((term) => ({ ...term, filter, i, j, gradient })))));
}

/** The gradients for conv2d's input, weight and bias, as cnnlib.conv2d_backward. */
export function conv2dBackward(gradOutput, x, weight, options) {
  const zeros = (planes) => planes.map((plane) => plane.map((line) => line.map(() => 0)));
  const [dx, dw] = [zeros(x), weight.map(zeros)];
  for (const t of contributions(gradOutput, x, weight, geometry(x, weight, options))) {
    dw[t.filter][t.plane][t.a][t.b] += t.pixel * t.gradient;
    if (dx[t.channel][t.row]?.[t.column] !== undefined) dx[t.channel][t.row][t.column] += t.weight * t.gradient;
  }
  return { dx, dw, db: gradOutput.map((map) => sum(map.flat())) };
}

/** ln of the softmax of each number; the largest is taken off first, so that nothing overflows. */
export function logSoftmax(logits) {
  const top = Math.max(...logits);
  const rest = Math.log(sum(logits.map((logit) => Math.exp(logit - top))));
  return logits.map((logit) => logit - top - rest);
}

/** A dense layer: weighted sums of the inputs x, with a row of weights for each output. */
export const linear = (x, weight, bias) =>
  weight.map((row, k) => sum(row.map((w, i) => w * x[i])) + bias[k]);

/** Cross-entropy of logits with the class `target`, and its gradient for the logits, p - y. */
export function crossEntropy(logits, target) {
  const logs = logSoftmax(logits);
  return { loss: -logs[target] + 0, gradient: logs.map((log, k) => Math.exp(log) - (k === target ? 1 : 0)) };
}
