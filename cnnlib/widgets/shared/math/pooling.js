// Pooling as cnnlib.pooling has it: images (..., rows, columns), one number for each window, the largest or the mean.
import { size, zeros } from "./array.js";
import { require, requireShape } from "./checks.js";
import { FunctionLayer } from "./layer.js";
import { meets, pair, windows } from "./shapes.js";

/** The window's axes; without a stride it moves by its own size. */
function poolAxes(owner, x, kernel_size, { stride = kernel_size, padding = 0, ...options }) {
  const fits = pair(padding).every((rows, i) => rows <= pair(kernel_size)[i] / 2);
  require(fits, `${owner}: padding is ${padding}; expected at most half of ${kernel_size}`);
  return windows(owner, x.shape, kernel_size, { stride: stride ?? kernel_size, padding, ...options });
}

const outputShape = (x, { rows, columns }) => [...x.shape.slice(0, -2), rows.output, columns.output];

/** Calls visit(window, i, j, the plane's first pixel) for each window of each plane. */
function eachWindow(x, { rows, columns }, visit) {
  const area = rows.size * columns.size;
  for (let window = 0, plane = 0; plane < x.data.length; plane += area)
    for (let i = 0; i < rows.output; i++)
      for (let j = 0; j < columns.output; j++, window++) visit(window, i, j, plane);
}

/** Where each window's largest pixel lies in x.data: the first of equals, the last nan; -1 if all is padding. */
function winners(x, { rows, columns }) {
  const { data } = x, places = new Int32Array(size(outputShape(x, { rows, columns })));
  eachWindow(x, { rows, columns }, (window, i, j, plane) => {
    const top = meets(rows, i, 0), left = meets(columns, j, 0), { dilation } = columns;
    let best = -1;
    for (let a = 0, row = top; a < rows.kernel; a++, row += rows.dilation) {
      if (row < 0 || row >= rows.size) continue;
      const line = plane + row * columns.size;
      for (let b = 0, column = left; b < columns.kernel; b++, column += dilation) {
        if (column < 0 || column >= columns.size) continue;
        const number = data[line + column];
        if (best < 0 || number > data[best] || number !== number) best = line + column; // nan is not equal to itself
      }
    }
    places[window] = best;
  });
  return places;
}

/** The numbers at these places, and the way back. */
function taken(x, axes, places) {
  const output = zeros(outputShape(x, axes), x);
  for (let window = 0; window < places.length; window++)
    output.data[window] = places[window] < 0 ? -Infinity : x.data[places[window]];
  return output;
}
function given(grad_output, x, places) {
  const dx = zeros(x.shape, x);
  for (let window = 0; window < places.length; window++)
    if (places[window] >= 0) dx.data[places[window]] += grad_output.data[window];
  return dx;
}

/** Options are stride (by default the kernel's size), padding, dilation and ceil_mode. */
export function max_pool2d(x, kernel_size, options = {}) {
  const axes = poolAxes("max_pool2d", x, kernel_size, options);
  return taken(x, axes, winners(x, axes));
}

/** The gradient for x: each window's gradient goes to its largest value. */
export function max_pool2d_backward(grad_output, x, kernel_size, options = {}) {
  const axes = poolAxes("max_pool2d_backward", x, kernel_size, options);
  requireShape("max_pool2d_backward", "grad_output", grad_output, outputShape(x, axes));
  return given(grad_output, x, winners(x, axes));
}

/** The pixels of one axis under a window, and how many places of it count: past the padding after, none does. */
function covered(axis, stop, include) {
  const start = meets(axis, stop, 0), end = Math.min(start + axis.kernel, axis.size + axis.before);
  const [first, last] = [Math.max(start, 0), Math.min(end, axis.size)];
  return { first, last, count: include ? end - start : last - first };
}

/** Calls visit(window, count, pixels) with how many values count in each mean, and the places of its pixels. */
function eachMean(x, axes, include, visit) {
  eachWindow(x, axes, (window, i, j, plane) => {
    const rows = covered(axes.rows, i, include), columns = covered(axes.columns, j, include), pixels = [];
    for (let row = rows.first; row < rows.last; row++)
      for (let column = columns.first; column < columns.last; column++) pixels.push(plane + row * axes.columns.size + column);
    visit(window, rows.count * columns.count, pixels);
  });
}

/** Options are stride (by default the kernel's size), padding, ceil_mode and count_include_pad. */
export function avg_pool2d(x, kernel_size, { count_include_pad = true, ...options } = {}) {
  const axes = poolAxes("avg_pool2d", x, kernel_size, options), output = zeros(outputShape(x, axes), x);
  eachMean(x, axes, count_include_pad, (window, count, pixels) => {
    output.data[window] = pixels.reduce((total, at) => total + x.data[at], 0) / count;
  });
  return output;
}

/** The gradient for x: each value of a window gets an equal share of the window's gradient. */
export function avg_pool2d_backward(grad_output, x, kernel_size, { count_include_pad = true, ...options } = {}) {
  const axes = poolAxes("avg_pool2d_backward", x, kernel_size, options), dx = zeros(x.shape, x);
  requireShape("avg_pool2d_backward", "grad_output", grad_output, outputShape(x, axes));
  eachMean(x, axes, count_include_pad, (window, count, pixels) => {
    for (const at of pixels) dx.data[at] += grad_output.data[window] / count;
  });
  return dx;
}

const whole = ({ shape }) => shape.slice(-2);

/** The mean of each map: (N, C, H, W) to (N, C, 1, 1). */
export const global_avg_pool2d = (x) => avg_pool2d(x, whole(x));
export const global_avg_pool2d_backward = (grad_output, x) => avg_pool2d_backward(grad_output, x, whole(x));

/** The largest value of each map. */
export const global_max_pool2d = (x) => max_pool2d(x, whole(x));
export const global_max_pool2d_backward = (grad_output, x) => max_pool2d_backward(grad_output, x, whole(x));

/** It remembers where the largest values were. */
export class MaxPool2d extends FunctionLayer {
  constructor(kernel_size, options = {}) {
    super(max_pool2d, max_pool2d_backward, kernel_size, options);
  }
  forward(x) {
    const axes = poolAxes("max_pool2d", x, ...this.options), places = winners(x, axes);
    this.saved = [x, places, outputShape(x, axes)];
    return taken(x, axes, places);
  }
  backward(grad_output) {
    const [x, places, shape] = this.recall();
    requireShape("max_pool2d_backward", "grad_output", grad_output, shape);
    return given(grad_output, x, places);
  }
}
export class AvgPool2d extends FunctionLayer {
  constructor(kernel_size, options = {}) {
    super(avg_pool2d, avg_pool2d_backward, kernel_size, options);
  }
}
export class GlobalAvgPool2d extends FunctionLayer {
  constructor() {
    super(global_avg_pool2d, global_avg_pool2d_backward);
  }
}
export class GlobalMaxPool2d extends FunctionLayer {
  constructor() {
    super(global_max_pool2d, global_max_pool2d_backward);
  }
}
