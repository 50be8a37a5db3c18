// A sum of products, written out: each product where it can be pointed at, then the bias and the total.
import { factor, format, h, pointedSum } from "./dom.js";
import { sum } from "../math/lists.js";

const spaced = (nodes) => nodes.flatMap((node) => [node, " "]);

const byChannel = (terms) => [...new Set(terms.map((term) => term.channel))].map((channel) => terms.filter((term) => term.channel === channel));
const totalOf = (terms) => sum(terms.map((term) => term.pixel * term.weight));

/** What a channel is called: its number, and its name if it has one. */
export const channelName = (channel, names = []) => [`channel ${channel}`, ...names.slice(channel, channel + 1)].join(", ");

/** A sum of products, channel by channel, and the bias. */
export const sumOf = (terms, bias) => sum(byChannel(terms).map(totalOf)) + bias;

/**
 * A part that writes out the sum of `now`: {terms, bias, isHidden, channels}, where `isHidden` puts a question mark
 * for every number that follows from the products, and `channels` are their names, if they have any. A term is
 * {channel, a, pixel, weight}: a line break may stand only between rows `a` of the kernel, and each channel has a
 * line and a sum of its own. It calls onlight(term), or onlight(null), as a mouse or the arrow keys move over the products.
 */
export function sumPanel(onlight) {
  let terms = [];
  const { element, write } = pointedSum((index) => onlight(terms[index] ?? null), { translate: "no" });
  const product = (term, first) =>
    h("span", { "data-term": terms.indexOf(term), class: term.weight && term.pixel ? "term" : "term zero" },
      `${first ? "" : "+ "}${format(term.pixel)}·${factor(term.weight)}`);
  const rows = (own) =>
    [...new Set(own.map((term) => term.a))].map((a) =>
      h("span", { class: "terms" },
        spaced(own.filter((term) => term.a === a).map((term) => product(term, term === own[0])))));

  return { element, update(now) {
    ({ terms } = now);
    const channels = byChannel(terms);
    const written = (number, write = format) => (now.isHidden ? "?" : write(number));
    const end = h("span", { class: "terms" }, `+ ${factor(now.bias)} = `, h("strong", {}, written(sumOf(terms, now.bias))));
    const lines = channels.map((own) => h("p", {}, h("span", { class: "plane-name" }, channelName(own[0].channel, now.channels)), " ",
      spaced(rows(own)), `= ${written(totalOf(own))}`));
    write(channels.length === 1
      ? [h("p", {}, spaced(rows(terms)), end)]
      : [...lines, h("p", {}, channels.map((own) => written(totalOf(own), factor)).join(" + "), " ", end)]);
  } };
}
