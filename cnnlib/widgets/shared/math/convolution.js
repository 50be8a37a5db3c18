// Convolution as cnnlib.convolution has it: images (N, C, H, W) or one (C, H, W), weights (O, C / groups, rows,
// columns). An image's windows are laid down as columns, and each of a convolution's three jobs is a product of
// matrices with them.
import { arrayLike, channelSums, eachMap, size, zeros } from "./array.js";
import { require, requireShape } from "./checks.js";
import { WeightedLayer } from "./layer.js";
import { addProduct, addProductOf, matrix, striped, transposed } from "./products.js";
import { conv_transpose_output_size, meets, pair, stopsInside, windows } from "./shapes.js";

const FEW = 4; // filters, so few that a product of matrices would mostly multiply by nothing

/**
 * For each place in the window and each row of stops four numbers, one behind the other: [place, stop, pixel, count].
 * Beginning with this stop and this pixel, `count` stops in a row meet pixels of the image that are a stride apart.
 * The others meet the padding.
 */
function runsOf({ rows, columns }, channels) {
  const runs = [];
  for (let c = 0, place = 0; c < channels; c++)
    for (let a = 0; a < rows.kernel; a++)
      for (let b = 0; b < columns.kernel; b++, place++) {
        const [top, bottom] = stopsInside(rows, a), [left, right] = stopsInside(columns, b);
        for (let i = top; i < bottom && left < right; i++) {
          const line = (c * rows.size + meets(rows, i, a)) * columns.size;
          runs.push(place, i * columns.output + left, line + meets(columns, left, b), right - left);
        }
      }
  return { runs: Int32Array.from(runs), step: columns.stride };
}

/** Lays the windows of one image down as columns, (places, stops). What meets the padding is left alone. */
function lay({ data, start, down }, x, image, { runs, step }) {
  for (let r = 0; r < runs.length; r += 4) {
    const to = start + runs[r] * down + runs[r + 1], from = image + runs[r + 2], count = runs[r + 3];
    for (let j = 0; j < count; j++) data[to + j] = x[from + j * step];
  }
}

/** The way back: adds each column to the pixels that it came from. */
function spread({ data, start, down }, x, image, { runs, step }) {
  for (let r = 0; r < runs.length; r += 4) {
    const from = start + runs[r] * down + runs[r + 1], to = image + runs[r + 2], count = runs[r + 3];
    for (let j = 0; j < count; j++) x[to + j * step] += data[from + j];
  }
}

/** Every window as a column: images (N, C, H, W) to (C · kernel rows · kernel columns, N · stops). */
export function im2col(x, kernel_size, options) {
  const { runs, places, images, area, stops } = columnsOf("im2col", x.shape, kernel_size, options);
  const columns = zeros([places, images * stops], x);
  for (let n = 0; n < images; n++)
    lay(matrix(columns.data, images * stops, n * stops), x.data, n * area, runs);
  return columns;
}

/** The way back of `im2col`, to images of `shape`: pixels in several windows receive the sum. */
export function col2im(columns, shape, kernel_size, options) {
  const { runs, places, images, area, stops } = columnsOf("col2im", shape, kernel_size, options);
  requireShape("col2im", "columns", columns, [places, images * stops]);
  const x = zeros(shape, columns);
  for (let n = 0; n < images; n++)
    spread(matrix(columns.data, images * stops, n * stops), x.data, n * area, runs);
  return x;
}

function columnsOf(owner, shape, kernel_size, options) {
  const axes = windows(owner, shape, kernel_size, options), [images, channels] = shape;
  const places = channels * axes.rows.kernel * axes.columns.kernel;
  const runs = runsOf(axes, channels), stops = axes.rows.output * axes.columns.output;
  return { runs, places, images, area: size(shape.slice(1)), stops };
}

/** The three jobs of a convolution, from images to maps, each group of channels and filters by itself. */
class Correlation {
  constructor(axes, images, weight, groups) {
    const [filters, channels, ...kernel] = weight.shape;
    Object.assign(this, { axes, images, groups, channels, filters: filters / groups, places: channels * size(kernel) });
    this.stops = axes.rows.output * axes.columns.output;
    this.area = axes.rows.size * axes.columns.size;
    this.runs = runsOf(axes, channels);
  }

  /** Room for the windows of an image, 0 where they meet the padding. */
  room({ constructor }) {
    return matrix(new constructor(this.places * this.stops), this.stops);
  }

  /** Calls job(first pixel, maps) for each image of a group; the maps are a matrix of what is given. */
  each(group, maps, job) {
    for (let image = 0, part = group; image < this.images; image++, part += this.groups)
      job(part * this.channels * this.area, matrix(maps, this.stops, part * this.filters * this.stops));
  }

  /** The filters of a group as a matrix. */
  filtersOf = (weight, group) => matrix(weight, this.places, group * this.filters * this.places);

  /** maps += weights times windows of x. */
  forward(x, weight, maps) {
    if (this.filters < FEW && maps instanceof Float64Array && weight.every(Number.isFinite)) return this.sweep(x, weight, maps);
    const columns = this.room(x), { filters, places, stops } = this;
    for (let group = 0; group < this.groups; group++) {
      const stripes = striped(this.filtersOf(weight, group), filters, places);
      this.each(group, maps, (pixel, ownMaps) => {
        lay(columns, x, pixel, this.runs);
        addProductOf(ownMaps, stripes, columns, filters, places, stops);
      });
    }
  }

  /**
   * The same without columns, which few filters would read too seldom: a weight meets all its pixels, then the next.
   * Sums in singles would be rounded on their way; and no weight meets the padding, which an infinite one turns to nan.
   */
  sweep(x, weight, maps) {
    const { runs, step } = this.runs;
    for (let part = 0; part < this.images * this.groups * this.filters; part++) {
      const filter = part % (this.groups * this.filters), to = part * this.stops;
      const image = Math.floor(part / this.filters) * this.channels * this.area;
      for (let r = 0; r < runs.length; r += 4) {
        const w = weight[filter * this.places + runs[r]], from = image + runs[r + 2], at = to + runs[r + 1];
        for (let j = 0; j < runs[r + 3]; j++) maps[at + j] += w * x[from + j * step];
      }
    }
  }

  /** x += what each pixel receives: weights times the gradient of the maps that they met in. */
  spread(grad, weight, x) {
    const columns = this.room(x), { filters, places, stops } = this;
    for (let group = 0; group < this.groups; group++) {
      const stripes = striped(transposed(this.filtersOf(weight, group)), places, filters);
      this.each(group, grad, (pixel, ownGrad) => {
        columns.data.fill(0);
        addProductOf(columns, stripes, ownGrad, places, filters, stops);
        spread(columns, x, pixel, this.runs);
      });
    }
  }

  /** weight += the gradient of the maps times the pixels that met the weights there. */
  learn(grad, x, weight) {
    const columns = this.room(x), { filters, places, stops } = this;
    for (let group = 0; group < this.groups; group++)
      this.each(group, grad, (pixel, ownGrad) => {
        lay(columns, x, pixel, this.runs);
        addProduct(this.filtersOf(weight, group), ownGrad, transposed(columns), filters, stops, places);
      });
  }
}

function addBias(output, bias) {
  if (bias) eachMap(output, (filter, first, end) => {
    for (let at = first; at < end; at++) output.data[at] += bias.data[filter];
  });
}

const biasGradient = (grad) => arrayLike(grad, [grad.shape.at(-3)], channelSums(grad, (at) => grad.data[at]));

function correlation(owner, x, weight, options) {
  const { groups = 1 } = options, [filters, channels, ...kernel] = weight.shape;
  const found = `${owner}: weight has ${filters} filters; expected a multiple of the ${groups} groups`;
  require(filters % groups === 0, found);
  const came = x.shape.at(-3), expected = channels * groups;
  require(came === expected, `${owner}: weight expects ${expected} input channels, x has ${came}`);
  return new Correlation(windows(owner, x.shape, kernel, options), size(x.shape.slice(0, -3)), weight, groups);
}

const outputShape = ({ axes }, x, filters) => [...x.shape.slice(0, -3), filters, axes.rows.output, axes.columns.output];

/** Options are stride, padding, dilation, each a number or [rows, columns], padding also "same" or "valid", and groups. */
export function conv2d(x, weight, bias = null, options = {}) {
  const way = correlation("conv2d", x, weight, options), output = zeros(outputShape(way, x, weight.shape[0]), x);
  if (bias) requireShape("conv2d", "bias", bias, [weight.shape[0]]);
  way.forward(x.data, weight.data, output.data);
  addBias(output, bias);
  return output;
}

/** The gradients for conv2d's input, weight and bias. With `images` false the first is left out, and null. */
export function conv2d_backward(grad_output, x, weight, options = {}, images = true) {
  const way = correlation("conv2d_backward", x, weight, options);
  const dx = images ? zeros(x.shape, x) : null, dw = zeros(weight.shape, x);
  requireShape("conv2d_backward", "grad_output", grad_output, outputShape(way, x, weight.shape[0]));
  way.learn(grad_output.data, x.data, dw.data);
  if (images) way.spread(grad_output.data, weight.data, dx.data);
  return [dx, dw, biasGradient(grad_output)];
}

/** The convolution that leads from a transposed one's output back to its input, and the output's shape. */
function transposedCorrelation(owner, x, weight, options) {
  const { groups = 1, output_padding = 0, ...geometry } = options, [channels, filters, ...kernel] = weight.shape;
  const batch = x.shape.slice(0, -3), found = x.shape.at(-3), numbers = { stride: 1, padding: 0, dilation: 1, ...geometry, output_padding };
  require(found === channels, `${owner}: weight expects ${channels} input channels, x has ${found}`);
  require(found % groups === 0, `${owner}: x has ${found} channels; expected a multiple of the ${groups} groups`);
  const sides = x.shape.slice(-2).map((side, i) => {
    const own = Object.entries(numbers).map(([name, value]) => [name, pair(value)[i]]);
    return conv_transpose_output_size(side, kernel[i], Object.fromEntries(own));
  });
  require(Math.min(...sides) > 0, `${owner}: padding cuts the output down to (${sides.join(", ")})`);
  const { rows, columns } = windows(owner, sides, kernel, geometry);
  [rows.output, columns.output] = x.shape.slice(-2); // output_padding may leave room for one more stop
  return [new Correlation({ rows, columns }, size(batch), weight, groups), [...batch, filters * groups, ...sides]];
}

/** Stamps each filter, times the pixel, around each pixel. weight: (C, O / groups, rows, columns). */
export function conv_transpose2d(x, weight, bias = null, options = {}) {
  const [way, shape] = transposedCorrelation("conv_transpose2d", x, weight, options), output = zeros(shape, x);
  if (bias) requireShape("conv_transpose2d", "bias", bias, [shape.at(-3)]);
  way.spread(x.data, weight.data, output.data);
  addBias(output, bias);
  return output;
}

/** The gradients for conv_transpose2d's input, weight and bias: its way back is a convolution. */
export function conv_transpose2d_backward(grad_output, x, weight, options = {}) {
  const [way, shape] = transposedCorrelation("conv_transpose2d_backward", x, weight, options);
  const dx = zeros(x.shape, x), dw = zeros(weight.shape, x);
  requireShape("conv_transpose2d_backward", "grad_output", grad_output, shape);
  way.learn(x.data, grad_output.data, dw.data);
  way.forward(grad_output.data, weight.data, dx.data);
  return [dx, dw, biasGradient(grad_output)];
}

/** cnnlib.Conv2d; options are those of conv2d, `bias` (false: none), and those with which weights are drawn. */
export class Conv2d extends WeightedLayer {
  constructor(in_channels, out_channels, kernel_size, { stride, padding, dilation, groups = 1, ...draw } = {}) {
    super(conv2d, conv2d_backward, { stride, padding, dilation, groups });
    const shape = filtersOf("Conv2d", { in_channels, out_channels }, groups);
    this.draw([...shape, ...pair(kernel_size)], out_channels, draw);
  }
}

/** cnnlib.ConvTranspose2d; options are those of conv_transpose2d, otherwise as for Conv2d. */
export class ConvTranspose2d extends WeightedLayer {
  constructor(in_channels, out_channels, kernel_size, { stride, padding, output_padding, dilation, groups = 1, ...draw } = {}) {
    super(conv_transpose2d, conv_transpose2d_backward, { stride, padding, output_padding, dilation, groups });
    const shape = filtersOf("ConvTranspose2d", { out_channels, in_channels }, groups);
    this.draw([...shape, ...pair(kernel_size)], out_channels, draw);
  }
}

/** The weight's first two axes, of the channels that are summed over and those that are kept. */
function filtersOf(owner, channels, groups) {
  const [summed, kept] = Object.values(channels);
  const found = Object.entries(channels).map(([name, number]) => `${name} is ${number}`).join(" and ");
  const fits = summed % groups === 0 && kept % groups === 0;
  require(fits, `${owner}: ${found}; expected a multiple of the ${groups} groups`);
  return [kept, summed / groups];
}
