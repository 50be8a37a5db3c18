// What every layer keeps and offers, as cnnlib.layer has it: parameters, state, and the two passes.
import { add, arrayLike, size } from "./array.js";
import { require, requireShape } from "./checks.js";
import { torch_default } from "./initialization.js";

/** An array that training changes, and the loss's gradient for it, `grad`, or null. */
export class Parameter {
  grad = null;
  constructor({ shape, data }) {
    Object.assign(this, { shape, data });
  }
  /** Adds to the gradient: a parameter used twice has the sum of both uses. */
  accumulate(grad) {
    this.grad = this.grad ? add(this.grad, grad) : grad;
  }
}

/**
 * forward(x) keeps in `saved` what backward(grad_output) needs. backward adds to the gradients of the parameters,
 * and returns the gradient for x. Parameters, buffers and children are found among a layer's fields.
 */
export class Layer {
  training = true;
  saved = null;
  buffers = [];

  /** `backward` without the gradient for x, which nobody needs where x are the images. */
  backward_parameters(grad_output) {
    this.backward(grad_output);
  }
  /** What the last `forward` has saved, once. */
  recall() {
    const { saved } = this;
    require(saved, `${this.constructor.name}.backward: call forward first, once for each backward`);
    this.saved = null;
    return saved;
  }
  /** The layers directly inside this one, [name, layer]. */
  children() {
    return Object.entries(this).filter(([, value]) => value instanceof Layer);
  }
  /** This layer and all inside it, each with the prefix that its keys begin with: [prefix, layer]. */
  layers(prefix = "") {
    return [[prefix, this], ...this.children().flatMap(([name, child]) => child.layers(`${prefix}${name}.`))];
  }
  /** All parameters and buffers with torch's keys, "0.weight": the arrays themselves. */
  state() {
    return this.layers().flatMap(([prefix, layer]) => Object.entries(layer)
      .filter(([name, value]) => value instanceof Parameter || layer.buffers.includes(name))
      .map(([name, value]) => [prefix + name, value]));
  }
  /** All parameters, one that is shared once. */
  parameters() {
    return [...new Set(this.state().map(([, value]) => value))].filter((value) => value instanceof Parameter);
  }
  zero_grad() {
    for (const parameter of this.parameters()) parameter.grad = null;
  }
  /** Copies of all parameters and buffers, by their keys. */
  state_dict() {
    return Object.fromEntries(this.state().map(([key, value]) => [key, arrayLike(value, value.shape, value.data)]));
  }
  /** Copies arrays, of this layer's keys and shapes, into place; where one does not fit nothing is changed. */
  load_state_dict(arrays) {
    const own = new Map(this.state());
    for (const key of Object.keys(arrays)) require(own.has(key), `load_state_dict: ${key} is unknown`);
    for (const [key, { shape }] of own) {
      require(key in arrays, `load_state_dict: ${key} is missing`);
      requireShape("load_state_dict", key, arrays[key], shape);
    }
    for (const [key, { data }] of own) data.set(arrays[key].data);
  }
  /** Switches this layer and all inside it to training, or with false to evaluation. */
  train(mode = true) {
    for (const [, layer] of this.layers()) layer.training = mode;
    return this;
  }
  eval() {
    return this.train(false);
  }
}

/** A function as a layer: `compute(x, ...options)`, and `derivative(grad_output, x, ...options)` on the way back. */
export class FunctionLayer extends Layer {
  constructor(compute, derivative, ...options) {
    super();
    Object.assign(this, { compute, derivative, options });
  }
  forward(x) {
    this.saved = [x];
    return this.compute(x, ...this.options);
  }
  backward(grad_output) {
    return this.derivative(grad_output, ...this.recall(), ...this.options);
  }
}

/** A layer whose function takes a weight and a bias (or null) after x, before the options. */
export class WeightedLayer extends FunctionLayer {
  /** Draws `weight`, and `bias` if there is one, as torch does; axis 0 is not summed over. */
  draw(shape, outputs, { bias = true, random = Math.random, dtype = Float32Array }) {
    const fan_in = size(shape.slice(1));
    this.weight = new Parameter(torch_default(shape, fan_in, random, dtype));
    this.bias = bias ? new Parameter(torch_default([outputs], fan_in, random, dtype)) : null;
  }
  forward(x) {
    this.saved = [x];
    return this.compute(x, this.weight, this.bias, ...this.options);
  }
  backward(grad_output, needed = true) {
    const [grad_x, grad_weight, grad_bias] =
      this.derivative(grad_output, ...this.recall(), this.weight, ...this.options, needed);
    this.weight.accumulate(grad_weight);
    this.bias?.accumulate(grad_bias);
    return grad_x;
  }
  backward_parameters(grad_output) {
    this.backward(grad_output, false);
  }
}
