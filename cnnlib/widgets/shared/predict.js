// Predict first: ask for a number before it is shown, name the slip behind a wrong one, keep the score.
import { format, h, parse, sameNumber } from "./dom.js";
import { sum } from "./ops.js";

/** Names the slip behind a wrong sum of products, when it is one of the usual ones. */
export function slip(answer, terms, bias) {
  const products = (weights) => sum(terms.map((term, k) => term.pixel * weights[k]));
  const weights = terms.map((term) => term.weight);
  const size = terms.filter((term) => term.channel === terms[0].channel).length;
  const flipped = weights.map((_, k) => weights[k - (k % size) + size - 1 - (k % size)]);
  const cases = [
    [products(weights), `That is the sum of the products. The bias, ${format(bias)}, is still to be added.`],
    [products(weights) - bias, "The bias is added, not subtracted."],
    [products(flipped) + bias, "That is what the kernel gives when it is turned by 180°. Do not turn it."],
    [products(weights.map(Math.abs)) + bias, "A minus sign was lost: some of the weights are negative."],
    [products(weights.map(() => 1)) + bias, "That adds the pixels. Each is multiplied by its weight first."],
    [-products(weights) - bias, "The sign is turned round."],
  ];
  return cases.find(([value]) => sameNumber(answer, value))?.[1]
    ?? "Not that. Multiply each framed pixel by the weight at the same place, add all products, then the bias.";
}

/**
 * prediction({onreveal, onnext, explain}) asks. update({key, where, terms, bias, total, score, known})
 * says for what; a new key is a new question. onreveal(right) when the number may be shown: right is
 * whether it was found at the first try. explain(answer, task), the widget's or the task's own, is what
 * to say to a wrong answer; `question` are the words of a task that asks for more than a place, and its
 * same(answer, total) says what is close enough, where that is not two decimals.
 */
export function prediction({ onreveal, onnext, explain = (answer, { terms, bias }) => slip(answer, terms, bias) }) {
  let task = {}, tries = 0;
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", size: 6, "aria-label": "Your prediction" });
  const sign = h("button", { type: "button", "aria-label": "Change the sign", click: () => {
    input.value = /^[-−]/.test(input.value) ? input.value.slice(1) : `-${input.value}`;
    input.focus();
  } }, "±");
  const question = h("span");
  const verdict = h("span", { class: "verdict", role: "status" });
  const score = h("span", { class: "score" });
  const next = h("button", { type: "button", click: () => {
    onnext();
    input.focus();
  } }, "Next");

  function check() {
    const answer = parse(input.value);
    if (Number.isNaN(answer)) {
      verdict.textContent = "Type a number, such as 13 or -4.";
    } else if ((task.same ?? sameNumber)(answer, task.total)) {
      verdict.textContent = `${format(task.total)} is right.`;
      onreveal(tries === 0);
    } else {
      tries += 1;
      verdict.textContent = (task.explain ?? explain)(answer, task);
    }
  }
  function showAnswer() {
    verdict.textContent = `It is ${format(task.total)}.`;
    onreveal(false);
  }
  const element = h("form", { class: "predict", submit: (event) => {
    event.preventDefault();
    check();
  } }, question, input, sign, h("button", {}, "Check"), h("button", { type: "button", click: showAnswer }, "Show me"), next, verdict, score);

  return {
    element,
    update(newTask) {
      if (newTask.key !== task.key) {
        tries = 0;
        input.value = verdict.textContent = "";
      }
      task = newTask;
      question.textContent = task.question ?? `Which number belongs in ${task.where}?`;
      next.hidden = !task.known;
      score.textContent = task.score[1] ? `${task.score[0]} of ${task.score[1]} at the first try` : "";
    },
  };
}
