// How a network is trained: what can be set, and what is possible.

/** Each setting: its usual value, and the least and the largest, or the choices there are. */
export const SETTINGS = {
  optimizer: { value: "sgd", choices: ["sgd", "adam", "adamw"] },
  lr: { value: 0.05, least: 0, most: 1000 },
  momentum: { value: 0.9, least: 0, most: 0.999 }, // of sgd; Adam has betas of 0.9 and 0.999
  weight_decay: { value: 0, least: 0, most: 1 },
  batch_size: { value: 32, least: 1, most: 1297, whole: true },
  schedule: { value: "constant", choices: ["constant", "step", "cosine", "one_cycle"] },
  epochs: { value: 20, least: 1, most: 1000, whole: true }, // of the schedule; after them the learning rate stays
  shift: { value: 0, least: 0, most: 2, whole: true }, // pixels by which images to train on are moved at most
  wrong_labels: { value: 0, least: 0, most: 1 }, // the share of the images to train on that have one
  images: { value: 1297, least: 10, most: 1297, whole: true }, // the first so many are trained on, and all own drawings
  shuffled_pixels: { value: false, choices: [false, true], fresh: true },
  zero_weights: { value: false, choices: [false, true], fresh: true },
};

/** All settings, those that are not given as usual; throws a sentence where one is not possible. */
export function completeSettings(given = {}) {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(SETTINGS, name))
      throw new Error(`${name} is no setting; expected one of ${Object.keys(SETTINGS).join(", ")}.`);
  const values = Object.entries(SETTINGS).map(([name, rule]) => [name, possible(name, given[name] ?? rule.value, rule)]);
  return Object.fromEntries(values);
}

function possible(name, value, { choices, least, most, whole }) {
  if (choices && !choices.includes(value)) throw new Error(`${name} is ${value}; expected one of ${choices.join(", ")}.`);
  if (choices) return value;
  const right = Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value));
  const kind = whole ? "whole number" : "number";
  if (!right) throw new Error(`${name} is ${value}; expected a ${kind} from ${least} to ${most}.`);
  return value;
}
