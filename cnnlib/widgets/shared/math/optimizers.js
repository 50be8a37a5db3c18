// Optimizers and schedules as cnnlib.optimizers has them. A parameter without a gradient stays as it is.
import { zeros } from "./array.js";
import { require } from "./checks.js";

class Optimizer {
  constructor(parameters, { lr = 1e-3, weight_decay = 0 }) {
    require(new Set(parameters).size === parameters.length, `${this.constructor.name}: parameters holds one of them twice`);
    Object.assign(this, { parameters, lr, weight_decay });
    this.state = parameters.map(() => ({}));
  }
  zero_grad() {
    for (const parameter of this.parameters) parameter.grad = null;
  }
  step() {
    this.parameters.forEach((parameter, i) => {
      if (parameter.grad) this.update(parameter, parameter.grad.data, this.state[i]);
    });
  }
}

/** cnnlib.SGD; options are lr, momentum, weight_decay and nesterov. */
export class SGD extends Optimizer {
  constructor(parameters, { momentum = 0, nesterov = false, ...options } = {}) {
    super(parameters, options);
    require(momentum > 0 || !nesterov, "SGD: nesterov is true; expected a momentum above 0 with it");
    Object.assign(this, { momentum, nesterov });
  }
  update(parameter, grad, state) {
    const { lr, momentum, nesterov, weight_decay } = this, { data } = parameter;
    const velocity = momentum ? (state.momentum_buffer ??= zeros(parameter.shape, parameter)).data : null;
    for (let i = 0; i < data.length; i++) {
      let move = weight_decay ? grad[i] + weight_decay * data[i] : grad[i];
      if (velocity) {
        velocity[i] = momentum * velocity[i] + move;
        move = nesterov ? move + momentum * velocity[i] : velocity[i];
      }
      data[i] -= lr * move;
    }
  }
}

/** cnnlib.Adam; options are lr, betas, eps and weight_decay. */
export class Adam extends Optimizer {
  decoupled = false;
  constructor(parameters, { betas = [0.9, 0.999], eps = 1e-8, ...options } = {}) {
    super(parameters, options);
    Object.assign(this, { betas, eps });
  }
  update(parameter, grad, state) {
    const { lr, betas: [beta1, beta2], eps, weight_decay, decoupled } = this, { data } = parameter;
    const { data: mean } = (state.exp_avg ??= zeros(parameter.shape, parameter));
    const { data: square } = (state.exp_avg_sq ??= zeros(parameter.shape, parameter));
    state.steps = (state.steps ?? 0) + 1;
    const rate = lr / (1 - beta1 ** state.steps), correction = Math.sqrt(1 - beta2 ** state.steps);
    for (let i = 0; i < data.length; i++) {
      if (weight_decay && decoupled) data[i] *= 1 - lr * weight_decay;
      const slope = weight_decay && !decoupled ? grad[i] + weight_decay * data[i] : grad[i];
      mean[i] = beta1 * mean[i] + (1 - beta1) * slope;
      square[i] = beta2 * square[i] + (1 - beta2) * slope * slope;
      data[i] -= (rate * mean[i]) / (Math.sqrt(square[i]) / correction + eps);
    }
  }
}

/** Adam whose weight decay shrinks the weights directly. */
export class AdamW extends Adam {
  decoupled = true;
  constructor(parameters, { weight_decay = 1e-2, ...options } = {}) {
    super(parameters, { weight_decay, ...options });
  }
}

/** Calls `set(steps, the first learning rate)`, which changes the optimizer: at once, and after each step. */
class Schedule {
  constructor(optimizer, set) {
    const base_lr = optimizer.lr;
    this.steps = 0;
    this.set = () => set(this.steps, base_lr);
    this.set();
  }
  step() {
    this.steps += 1;
    this.set();
  }
}

/** From `first` (part 0) to `last` (part 1), slow at both ends. */
const cosine = (first, last, part) => last + ((first - last) * (1 + Math.cos(Math.PI * part))) / 2;

/** The learning rate times `gamma` every `step_size` steps. */
export class StepLR extends Schedule {
  constructor(optimizer, step_size, gamma = 0.1) {
    super(optimizer, (steps, base_lr) => (optimizer.lr = base_lr * gamma ** Math.floor(steps / step_size)));
  }
}

/** From the first learning rate to `eta_min` in `T_max` steps. */
export class CosineAnnealingLR extends Schedule {
  constructor(optimizer, T_max, eta_min = 0) {
    super(optimizer, (steps, base_lr) => (optimizer.lr = cosine(base_lr, eta_min, steps / T_max)));
  }
}

/** Up to `max_lr` and down again in `total_steps`; momentum, or Adam's first beta, goes the other way. */
export class OneCycleLR extends Schedule {
  constructor(optimizer, max_lr, total_steps, {
    pct_start = 0.3, cycle_momentum = true, base_momentum = 0.85, max_momentum = 0.95, div_factor = 25, final_div_factor = 1e4,
  } = {}) {
    const peak = pct_start * total_steps - 1, first_lr = max_lr / div_factor;
    const between = (steps, first, middle, last) => steps < peak
      ? cosine(first, middle, steps / peak)
      : cosine(middle, last, (steps - peak) / Math.max(total_steps - 1 - peak, 1));
    super(optimizer, (steps) => {
      require(steps <= total_steps, `OneCycleLR: step ${steps} is past total_steps ${total_steps}`);
      optimizer.lr = between(steps, first_lr, max_lr, first_lr / final_div_factor);
      const momentum = between(steps, max_momentum, base_momentum, max_momentum);
      if (cycle_momentum && optimizer.betas) optimizer.betas = [momentum, optimizer.betas[1]];
      else if (cycle_momentum) optimizer.momentum = momentum;
    });
  }
}
