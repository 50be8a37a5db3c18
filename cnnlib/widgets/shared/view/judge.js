// Whether a number that was typed is right, and if not, which slip it comes from.

const MOST = 4; // a page shows no more decimals
const unit = (decimals) => 10 ** -decimals;
export const close = (a, b, decimals) => Math.abs(a - b) <= unit(decimals) / 2 + 1e-9;

/** The decimals that it takes, two at least, to tell an answer from the slips that miss it. */
function decimalsFor(answer, slips) {
  const gaps = slips.map(([value]) => Math.abs(value - answer)).filter((gap) => gap > unit(MOST) / 2);
  for (let decimals = 2; decimals < MOST; decimals++)
    if (!gaps.some((gap) => gap <= unit(decimals) + 1e-9)) return decimals;
  return MOST;
}

/** Judges by a tolerance of the task's own: no answer is right that lies nearer to a slip. */
function leniently(same, answer, slips) {
  const others = slips.map(([value]) => value).filter((value) => !close(value, answer, MOST));
  return (given) => same(given, answer) && !others.some((value) => Math.abs(given - value) < Math.abs(given - answer));
}

/**
 * Judges what was typed, given by all numbers that it can mean. `slips` are [value, sentence] pairs. Gives
 * {right} or {sentence}: of the slips that lead there, or null. `close` is true for what is right but too
 * roughly rounded to be told from a slip. A slip that leads to the answer is no slip.
 */
export function judge(numbers, answer, slips, { decimals = decimalsFor(answer, slips), same } = {}) {
  const near = same ?? ((a, b) => close(a, b, decimals));
  const isRight = same ? leniently(same, answer, slips) : (given) => near(given, answer);
  if (numbers.some(isRight)) return { right: true };
  const led = slips.filter(([value]) => !close(value, answer, same ? MOST : decimals) && numbers.some((one) => near(one, value)));
  const sentences = [...new Set(led.map(([, sentence]) => sentence))];
  if (sentences.length) return { right: false, sentence: sentences.join(" Or: ") };
  if (!same && numbers.some((one) => close(one, answer, 2)))
    return { right: false, close: true, sentence: `Close. Give it to ${decimals} decimals.` };
  return { right: false, sentence: null };
}
