// Networks in training at the other end of a channel: in a worker, or in the page where none can start.
import { digitData, SIDE } from "./digits.js";
import { Trainer } from "./trainer.js";

const PAUSE = 66; // ms between two reports

/**
 * Answers messages of `port`, a worker's scope or one end of a MessageChannel. What comes:
 *
 * - {type: "start", layers, digits, canvas, drawings, settings, seeds, id}: new networks, one for each of the
 *   `seeds`, a list; `digits`, once they were sent, may be left out. Answered by "progress", or by "error".
 * - {type: "set", settings, layers, drawings}: changes while they learn, see Trainer.set; `drawings` are all of the
 *   reader's, and count from the next epoch on. What is left out stays. Answered by "progress", or by "error".
 * - {type: "play"}, {type: "pause"}, {type: "batch"}, {type: "epoch"}: all networks learn, in turn: on and on, no
 *   more, one batch each, to the end of their open epoch. Answered by "progress".
 * - {type: "snapshot", run, image, part, id}: see Trainer.snapshot; `run` is the network's place, 0 if left out.
 * - {type: "predict", run, pixels, id}: the numbers of an image from 0 to 1.
 *
 * What goes:
 *
 * - {type: "progress", start, playing, runs: [{seed, epoch, batches, at, seconds, lr, losses: {every, values},
 *   history, stopped}]}: at most every 66 ms while they learn. `start` is the `id` of the start they belong to,
 *   `seconds` the time spent learning; the rest is as in Trainer.
 * - {type: "snapshot", run, id, start, ...}, {type: "prediction", run, id, start, probabilities}
 * - {type: "stopped", start, run, message}: the network cannot go on; when all are so, none plays.
 * - {type: "error", message, layer, id, start}: a sentence for the reader; `layer` is the place of a layer that does
 *   not fit, if it is about one. Nothing was changed.
 *
 * @param {{postMessage: Function, onmessage: ?Function}} port
 * @param {number} slice ms that the networks learn before the next message is looked at; with 0, one batch, and the
 *   page draws before the next
 */
export function serve(port, slice) {
  const runs = new Runs(port, slice);
  port.onmessage = ({ data }) => {
    try {
      runs[data.type](data);
    } catch (error) {
      runs.post({ type: "error", message: sentence(error), layer: error.layer, id: data.id, ...(data.type === "start" && { start: data.id }) });
    }
  };
}

/** What stands in the way, for the reader: a browser gives memory only up to a limit. */
const sentence = (error) => (error instanceof RangeError ? `The browser has not the memory for this: ${error.message}. Take a smaller network or smaller batches.` : error.message);

/** The networks, and a method for each message that comes. */
class Runs {
  #runs = [];
  #goals = []; // the epochs that each network has to reach
  #turn = 0;
  #working = false;
  #reported = 0;
  #canvas = SIDE;
  #start = null;
  #digits = null;

  constructor(port, slice) {
    Object.assign(this, { port, slice, later: createLater(slice) });
  }
  post(message) {
    this.port.postMessage({ start: this.#start, ...message });
  }

  start({ layers, drawings, settings, seeds = [0], id, digits = this.#digits, canvas = SIDE }) {
    this.#digits = digits;
    const data = digitData(digits, { canvas, drawings });
    const made = seeds.map((seed) => ({ trainer: new Trainer({ layers, data, settings, seed }), seconds: 0 }));
    this.#runs = made;
    this.#goals = made.map(() => 0);
    [this.#turn, this.#canvas, this.#start] = [0, canvas, id];
    this.#report();
  }
  set({ settings, layers, drawings }) {
    const data = drawings && digitData(this.#digits, { canvas: this.#canvas, drawings });
    for (const { trainer } of this.#runs) {
      trainer.set({ ...settings, ...(layers && { layers }) });
      if (data) trainer.use(data);
    }
    this.#report();
  }
  play() {
    this.#until(() => Infinity);
  }
  pause() {
    this.#until(() => 0);
  }
  epoch() {
    this.#until(({ epoch }) => epoch + 1);
  }
  batch() {
    for (const i of this.#runs.keys()) this.#learn(i);
    this.#report();
  }
  snapshot({ run = 0, id, ...what }) {
    this.post({ type: "snapshot", run, id, ...this.#runs[run].trainer.snapshot(what) });
  }
  predict({ run = 0, id, pixels }) {
    this.post({ type: "prediction", run, id, probabilities: this.#runs[run].trainer.predict(pixels) });
  }

  #goesOn = (i) => !this.#runs[i].trainer.stopped && this.#runs[i].trainer.epoch < this.#goals[i];
  #isPlaying = () => [...this.#runs.keys()].some(this.#goesOn);

  #report() {
    this.#reported = performance.now();
    const runs = this.#runs.map(({ seconds, trainer }) => {
      const { seed, epoch, batches, at, losses: { every, values }, history, stopped, optimizer: { lr } } = trainer;
      return { seed, epoch, batches, at, seconds, lr, losses: { every, values }, history, stopped };
    });
    this.post({ type: "progress", playing: this.#isPlaying(), runs });
  }

  /** One batch, unless the network was stopped before. */
  #learn(i) {
    const run = this.#runs[i], { trainer } = run, from = performance.now();
    if (trainer.stopped) return;
    try {
      trainer.batch();
    } catch (error) {
      trainer.stopped = sentence(error); // also of batch normalization, which needs more than one number
    }
    run.seconds += (performance.now() - from) / 1000;
    if (trainer.stopped) this.post({ type: "stopped", run: i, message: trainer.stopped });
  }

  #work() {
    const end = performance.now() + this.slice;
    do {
      if (this.#goesOn(this.#turn)) this.#learn(this.#turn);
      this.#turn = (this.#turn + 1) % this.#runs.length;
    } while (performance.now() < end && this.#isPlaying());
    this.#working = this.#isPlaying();
    if (!this.#working || performance.now() - this.#reported >= PAUSE) this.#report();
    if (this.#working) this.later(() => this.#work());
  }

  /** Lets the networks learn until each has so many epochs. */
  #until(epochs) {
    this.#goals = this.#runs.map(({ trainer }) => epochs(trainer));
    if (this.#working) return;
    this.#working = this.#isPlaying();
    if (this.#working) this.later(() => this.#work());
    else this.#report();
  }
}

/** A function that calls another one soon, after messages that wait, or after the page was drawn. */
function createLater(slice) {
  if (!slice) return (work) => setTimeout(work, 8);
  const { port1, port2 } = new MessageChannel(); // a timer would wait 4 ms each time
  return (work) => {
    port1.onmessage = work;
    port2.postMessage(null);
  };
}
