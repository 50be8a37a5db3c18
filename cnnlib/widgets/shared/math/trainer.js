// A network in training, batch by batch; everything drawn by chance follows from the seed, here and in Python.
import { zeros } from "./array.js";
import { buildNetwork, describe, fixedPart, withDropouts } from "./building.js";
import { chances, FOR, shuffle, stream } from "./chance.js";
import { CLASSES } from "./digits.js";
import { answers, evaluation, layersSeen } from "./looking.js";
import { cross_entropy, cross_entropy_backward, softmax } from "./loss.js";
import { Dropout } from "./normalization.js";
import { Adam, AdamW, CosineAnnealingLR, OneCycleLR, SGD, StepLR } from "./optimizers.js";
import { completeSettings, SETTINGS } from "./settings.js";

const LONGEST = 512; // of a curve
const SHOWN = 20; // images to train on whose labels a snapshot has

/** Numbers as they come; where they are too many, `values` are means of `every` of them. */
export class Curve {
  every = 1;
  values = [];
  #open = [];
  add(number) {
    this.#open.push(number);
    if (this.#open.length < this.every) return;
    this.values.push(mean(this.#open));
    this.#open = [];
    if (this.values.length < LONGEST) return;
    this.values = Array.from({ length: LONGEST / 2 }, (_, i) => mean(this.values.slice(2 * i, 2 * i + 2)));
    this.every *= 2;
  }
}
const mean = (numbers) => numbers.reduce((total, number) => total + number, 0) / numbers.length;

const OPTIMIZERS = {
  sgd: (parameters, { lr, momentum, weight_decay }) => new SGD(parameters, { lr, momentum, weight_decay }),
  adam: (parameters, { lr, weight_decay }) => new Adam(parameters, { lr, weight_decay }),
  adamw: (parameters, { lr, weight_decay }) => new AdamW(parameters, { lr, weight_decay }),
};
/** Each schedule, which begins with the optimizer's learning rate; `batches` are those of an epoch. */
const SCHEDULES = {
  constant: () => null,
  step: (optimizer, { epochs }) => new StepLR(optimizer, Math.ceil(epochs / 3)),
  cosine: (optimizer, { epochs }) => new CosineAnnealingLR(optimizer, epochs),
  one_cycle: (optimizer, { epochs, lr }, batches) =>
    new OneCycleLR(optimizer, lr, epochs * batches, { cycle_momentum: false }),
};

const sharesOf = (layers) =>
  layers.flatMap(({ kind, p = 0.5, layers: inside = [] }) => (kind === "Dropout" ? [p] : sharesOf(inside)));

/**
 * A network, its data and its optimizer. `epoch` counts the completed epochs and `batches` all batches; `at` is the
 * number of images met in the open epoch. `losses` is a Curve of the batches' losses. `history` has an entry for
 * each epoch and one before the first: {epoch, batches, lr, loss, accuracy, validation_loss, validation_accuracy},
 * as cnnlib.History names them; loss and accuracy are means over the epoch's batches, and null before the first.
 * `stopped` is "" or the sentence that says why training cannot go on.
 */
export class Trainer {
  epoch = 0;
  batches = 0;
  at = 0;
  stopped = "";
  losses = new Curve();
  history = [];
  #before = null; // the parameters before the last step

  /**
   * Throws a sentence for the reader where the layers do not fit (with `.layer`, see `describe`) or a setting is
   * not possible.
   * @param {object} given
   * @param {{kind: string}[]} given.layers
   * @param {object} given.data what `digitData` gives
   * @param {object} [given.settings] some of SETTINGS
   * @param {number} [given.seed] a whole number
   */
  constructor({ layers, data, settings = {}, seed = 0 }) {
    this.settings = completeSettings(settings);
    this.inputShape = data.train.images.shape.slice(1);
    describe(layers, this.inputShape, CLASSES);
    Object.assign(this, { layers, seed, network: buildNetwork(layers, this.inputShape, seed) });
    if (this.settings.zero_weights)
      for (const parameter of this.network.parameters()) parameter.data.fill(0);
    const pixels = this.inputShape.reduce((product, side) => product * side, 1);
    this.pixels = this.settings.shuffled_pixels ? shuffle(pixels, seed, FOR.pixels) : [...Array(pixels).keys()];
    this.parameters = this.network.parameters();
    this.#findDropouts();
    this.use(data);
    this.#optimize();
    this.#note(null, null);
  }

  /** Other data of the same shape, with more drawings for instance, from the next epoch on. */
  use(data) {
    this.data = data;
    this.luck = chances(2 * data.train.labels.length, this.seed, FOR.labels);
    const { images, labels } = data.validation;
    this.validation = { images: this.#gathered(images, labels.keys()), labels };
  }

  /**
   * Changes settings while it trains: those named in `changes`, and as `layers` the Dropouts among them. `images` counts
   * from the next epoch on; another optimizer begins anew, without the memory of the one before. Throws a sentence,
   * and changes nothing, where a change asks for a new start.
   */
  set({ layers = this.layers, ...changes }) {
    const settings = completeSettings({ ...this.settings, ...changes });
    for (const [name, { fresh }] of Object.entries(SETTINGS))
      if (fresh && settings[name] !== this.settings[name])
        throw new Error(`${name} cannot change while a network learns: start again.`);
    if (fixedPart(layers) !== fixedPart(this.layers)) throw new Error("Other layers are another network: start again.");
    const other = settings.optimizer !== this.settings.optimizer;
    Object.assign(this, { settings, layers, network: withDropouts(this.network, layers) });
    this.#findDropouts();
    this.#optimize(other);
  }

  #findDropouts() {
    this.dropouts = this.network.layers().map(([, layer]) => layer).filter((layer) => layer instanceof Dropout);
  }

  #optimize(fresh = true) {
    const { settings } = this, { lr, momentum, weight_decay } = settings;
    if (fresh) this.optimizer = OPTIMIZERS[settings.optimizer](this.parameters, settings);
    Object.assign(this.optimizer, { lr, momentum, weight_decay });
    const shares = sharesOf(this.layers);
    this.dropouts.forEach((dropout, i) => (dropout.p = shares[i]));
    this.schedule = SCHEDULES[settings.schedule](this.optimizer, settings, this.#perEpoch());
    this.#follow();
  }

  /** How many images are trained on in an epoch, and how many batches they make. */
  #count = () => Math.min(this.settings.images, this.data.train.labels.length - this.data.own) + this.data.own;
  #perEpoch = () => Math.ceil(this.#count() / this.settings.batch_size);

  /** The learning rate for where the training is; when the schedule's epochs are over it stays. */
  #follow() {
    const { schedule, epoch, at, settings: { epochs, batch_size } } = this;
    if (!schedule) return;
    const perEpoch = this.#perEpoch(), part = Math.min(epoch * perEpoch + Math.ceil(at / batch_size), epochs * perEpoch);
    schedule.steps = schedule instanceof OneCycleLR ? part : Math.min(epoch, epochs);
    schedule.set();
  }

  /** The images of these numbers as the network gets them, moved by `move(n)`, [down, right], if that is given. */
  #gathered({ shape: [, ...shape], data }, numbers, move = null) {
    const chosen = [...numbers], images = zeros([chosen.length, ...shape], { data }), [, rows, columns] = shape;
    const { pixels } = this;
    chosen.forEach((number, n) => {
      const [down, right] = move ? move(n) : [0, 0], from = number * pixels.length, to = n * pixels.length;
      for (let k = 0; k < pixels.length; k++) {
        const row = Math.floor(pixels[k] / columns) - down, column = (pixels[k] % columns) - right;
        const inside = row >= 0 && row < rows && column >= 0 && column < columns;
        images.data[to + k] = inside ? data[from + row * columns + column] : 0;
      }
    });
    return images;
  }

  /** What an image to train on is called: by its class, or by a wrong one. */
  #label(number) {
    const right = this.data.train.labels[number], { luck, settings } = this;
    if (luck[2 * number] >= settings.wrong_labels) return right;
    return (right + 1 + Math.floor(luck[2 * number + 1] * (CLASSES - 1))) % CLASSES;
  }

  #beginEpoch() {
    const { seed, epoch, data: { train, own } } = this, count = this.#count(), digits = count - own;
    this.order = shuffle(count, seed, FOR.order, epoch)
      .map((place) => (place < digits ? place : train.labels.length - count + place));
    this.moves = chances(2 * count, seed, FOR.shifts, epoch);
    Object.assign(this, { total: 0, right: 0 });
  }

  /** What the next batch will be: {images, labels}. */
  next() {
    if (this.at === 0) this.#beginEpoch();
    const { at, settings: { batch_size, shift } } = this, numbers = this.order.slice(at, at + batch_size);
    const move = (n) => [0, 1].map((axis) => Math.floor(this.moves[2 * (at + n) + axis] * (2 * shift + 1)) - shift);
    const images = this.#gathered(this.data.train.images, numbers, shift ? move : null);
    return { images, labels: numbers.map((number) => this.#label(number)) };
  }

  /** Learns from one batch; at the end of an epoch it evaluates. Returns the batch's loss, or null when stopped. */
  batch() {
    if (this.stopped) return null;
    const { network, optimizer, parameters, batches, epoch, seed } = this, { images, labels } = this.next();
    this.dropouts.forEach((dropout, i) => (dropout.random = stream(seed, FOR.dropout, i, batches)));
    network.train();
    optimizer.zero_grad();
    const logits = network.forward(images), loss = cross_entropy(logits, labels);
    if (!Number.isFinite(loss)) {
      const batch = Math.floor(this.at / this.settings.batch_size) + 1;
      return this.#stop(loss, `epoch ${epoch + 1}, batch ${batch}`);
    }
    network.backward_parameters(cross_entropy_backward(1, logits, labels));
    this.#before = parameters.map(({ data }) => data.slice());
    optimizer.step();
    this.losses.add(loss);
    this.batches += 1;
    this.at += labels.length;
    this.total += loss * labels.length;
    this.right += answers(logits).filter((answer, n) => answer === labels[n]).length;
    if (this.at >= this.order.length) this.#endEpoch();
    this.#follow();
    return loss;
  }

  #stop(loss, place) {
    this.stopped = `The loss is ${Number.isNaN(loss) ? "nan" : "infinite"} in ${place}: the weights have grown beyond`
      + " all numbers, and nothing can be learned from here. A smaller learning rate may help.";
    return null;
  }

  #endEpoch() {
    this.epoch += 1;
    this.at = 0;
    this.#note(this.total / this.order.length, this.right / this.order.length);
  }

  #note(loss, accuracy) {
    const { loss: validation_loss, accuracy: validation_accuracy } = this.evaluate(), { epoch, batches } = this;
    this.history.push({ epoch, batches, lr: this.optimizer.lr, loss, accuracy, validation_loss, validation_accuracy });
    if (!Number.isFinite(validation_loss)) this.#stop(validation_loss, `the held-out images after epoch ${epoch}`);
  }

  /**
   * The held-out images now: {loss, accuracy, confusion, wrong, dead}. confusion[i][j] counts images of class i that
   * were called j; wrong has {index, label, answer, probability} of each that is called wrong; `dead` has for each
   * ReLU the share of its maps, or numbers, that are above 0 in none of the images.
   */
  evaluate() {
    this.evaluated = evaluation(this.network.eval(), this.validation);
    return this.evaluated;
  }

  /** The probabilities of the classes for an image, as its numbers from 0 to 1. */
  predict(pixels) {
    return [...softmax(this.network.eval().forward(this.#shown(pixels))).data];
  }
  #shown = (pixels) => this.#gathered({ shape: [1, ...this.inputShape], data: Float32Array.from(pixels) }, [0]);

  /**
   * What can be seen now. `image` is the index of a held-out image, of one to train on with `part` "train", or an
   * image's numbers from 0 to 1. Returns {epoch, batches, pixels, label (null of a reader's image), probabilities,
   * layers, confusion, wrong, shown}; confusion and wrong are of the last evaluation, see `evaluate`; shown has for
   * the first images to train on {index, label, truth}: what each is called in training, and what it is. layers has
   * for each layer {kind, input, output, before, values, weight, bias, running_mean, running_var, sizes, dead,
   * layers}: the shapes and numbers that come in and go out for that image; its arrays, {shape, data}, or null; the
   * root mean squares of the weight, of its gradient in the last batch and of its last update, {weight, gradient,
   * update}, where there were any; the share of what is dead in a ReLU at the last evaluation; and the layers inside
   * a Residual.
   */
  snapshot({ image = 0, part = "validation" } = {}) {
    const { epoch, batches, network, parameters } = this, { confusion, wrong, dead } = this.evaluated;
    const own = typeof image !== "number", { images, labels } = this.data[part], length = this.pixels.length;
    const pixels = own ? Float32Array.from(image) : images.data.slice(image * length, (image + 1) * length);
    const before = new Map(parameters.map((parameter, i) => [parameter, this.#before?.[i]]));
    const layers = layersSeen(network.eval(), this.layers, this.#shown(pixels), { before, dead });
    const probabilities = [...softmax({ shape: [1, CLASSES], data: layers.at(-1).values }).data];
    const shown = this.data.train.labels.slice(0, SHOWN)
      .map((truth, index) => ({ index, label: this.#label(index), truth }));
    return { epoch, batches, pixels, label: own ? null : labels[image], probabilities, layers, confusion, wrong, shown };
  }
}
