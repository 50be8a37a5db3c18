// Networks as cnnlib.network has them: layers in a row, and layers with a way around them.
import { add } from "./array.js";
import { requireShape } from "./checks.js";
import { Layer } from "./layer.js";

/** Layers one after the other, `new Sequential(new ReLU(), ...)`, or by name, `new Sequential({ features: ... })`. */
export class Sequential extends Layer {
  constructor(...layers) {
    super();
    this.named = Object.entries(layers.length === 1 && !(layers[0] instanceof Layer) ? layers[0] : layers);
  }
  children() {
    return this.named;
  }
  *[Symbol.iterator]() {
    for (const [, layer] of this.named) yield layer;
  }
  forward(x) {
    const saved = [];
    for (const layer of this) {
      x = layer.forward(x);
      saved.push(layer.saved); // a layer that comes again has one for each time
    }
    this.saved = saved;
    return x;
  }
  backward(grad_output) {
    return this.back(grad_output, (first, grad) => first.backward(grad));
  }
  /** `backward`, but the first layer only learns. */
  backward_parameters(grad_output) {
    this.back(grad_output, (first, grad) => first.backward_parameters(grad));
  }
  back(grad_output, atFirst) {
    const saved = this.recall(), layers = [...this];
    for (let i = layers.length - 1; i >= 0; i--) {
      layers[i].saved = saved[i];
      grad_output = i > 0 ? layers[i].backward(grad_output) : atFirst(layers[i], grad_output);
    }
    return grad_output;
  }
}

/** The sum of a body and a way around it: body(x) + shortcut(x), with x itself as default. */
export class Residual extends Layer {
  constructor(body, shortcut = null) {
    super();
    Object.assign(this, { body, shortcut });
  }
  forward(x) {
    const around = this.shortcut ? this.shortcut.forward(x) : x, ofShortcut = this.shortcut?.saved;
    const output = this.body.forward(x);
    requireShape("Residual", "the body's output", output, around.shape);
    this.saved = [this.body.saved, ofShortcut]; // of this time: a layer may come again
    return add(output, around);
  }
  backward(grad_output) {
    const [ofBody, ofShortcut] = this.recall();
    this.body.saved = ofBody;
    const through = this.body.backward(grad_output);
    if (!this.shortcut) return add(through, grad_output);
    this.shortcut.saved = ofShortcut;
    return add(through, this.shortcut.backward(grad_output));
  }
}
