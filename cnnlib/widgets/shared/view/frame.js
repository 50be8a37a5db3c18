// The frame of every widget: traits and Reset, the line for errors, what is said aloud, drawing once per change.
import { button, h, iconButton } from "./dom.js";
import { fullWindow } from "./full.js";

/**
 * An element of nodes and parts, which is a part itself: it passes on what it is asked. A part has an `element`
 * and, if it needs them, update(now), which draws it, forget(anew), when the widget shows other numbers or begins
 * anew, and stop(), when it goes.
 */
export function group(attributes, ...children) {
  const parts = children.flat().filter((child) => child?.element);
  const all = (name) => (what) => parts.forEach((part) => part[name]?.(what));
  return { element: h("div", attributes, ...children), update: all("update"), forget: all("forget"), stop: all("stop") };
}

/** The panel of what a reader looks at while the rest is scrolled past: it sticks to the lower edge of the screen. */
export const dock = (...children) => group({ class: "dock" }, ...children);

/** A panel at the lower edge hides nothing that gets the focus; a sum in it that is cut off is scrolled with the keys. */
function settle(root) {
  const panel = root.querySelector(".dock");
  if (!panel) return;
  root.style.setProperty("--dock", `${panel.offsetHeight}px`);
  for (const one of panel.querySelectorAll(".sum"))
    if (one.scrollHeight > one.clientHeight + 1 && !one.querySelector("[data-term]")) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
}

/** Whether the browser knows what numbers are colored with and measured by: each does since 2023. */
const isCurrent = () => CSS.supports("color", "color-mix(in srgb, red, blue)") && CSS.supports("width", "1cqi");

/** Space plays and pauses wherever the focus is, unless the focused element uses it itself. */
function playOnSpace(event, bar) {
  const taken = "button, input:not([type=range]), select, summary";
  if (event.key !== " " || bar.element.hidden || event.target.closest(taken)) return;
  event.preventDefault();
  bar.toggle();
}

/** What has lost the focus, because it can have it no more, hands it on to the next control, or to the one before. */
function handOn(root, held) {
  const able = (one) => !one.disabled && one.getClientRects().length > 0;
  if (!root.contains(held) || able(held) || ![held, document.body].includes(document.activeElement)) return;
  const all = [...root.querySelectorAll("button, input, select, summary, [tabindex='0']")], at = all.indexOf(held);
  (all.slice(at + 1).find(able) ?? all.slice(0, Math.max(at, 0)).findLast(able))?.focus();
}

/** Sets several traits at once, in the page and, where there is a kernel, in Python. */
function setTraits(model, traits) {
  for (const [name, value] of Object.entries(traits)) model.set(name, value);
  model.save_changes();
}

const CHAIN = "M4 12a4 4 0 0 1 4-4h3V6H8a6 6 0 0 0 0 12h3v-2H8a4 4 0 0 1-4-4zM8 11v2h8v-2zM16 6h-3v2h3a4 4 0 0 1 0 8h-3v2h3a6 6 0 0 0 0-12z";
/** The button for links to what the widget shows, where the page has them: model.share(root, button). */
function shareButton(model, root, complain) {
  const one = iconButton("Link to this, embed this", CHAIN, () => model.share(root, one).catch(({ message }) => complain(message)),
    { class: "share", "aria-expanded": "false" });
  return one;
}

/** A dot between two factors is skipped by screen readers. */
const readable = (sentence) => sentence.replaceAll(/ ?· ?/g, " times ");

/** What a widget's parts are made with: see frame. */
function ownOf(model, names, pause, forget, draw) {
  const get = (name) => model.get(name);
  const has = (name) => get(name) !== undefined;
  const initial = Object.fromEntries([...names, "predict"].filter(has).map((name) => [name, get(name)]));
  const error = h("p", { class: "error", role: "alert" });
  const live = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const own = {
    get, initial, draw, pause, error, live,
    set: (traits) => setTraits(model, traits),
    complain: (sentence) => error.textContent !== sentence && (error.textContent = sentence),
    announce: (sentence) => (live.textContent = readable(sentence)),
    restart(traits = initial) {
      pause();
      own.complain("");
      forget(true);
      own.set({ ...(has("score") ? { score: [0, 0] } : {}), ...traits });
      draw(); // ticking and clearing a box may leave all traits as they were
    },
  };
  own.reset = button("Reset", () => own.restart());
  return own;
}

/**
 * What a widget's script exports. `mark` is its class and `label` its name for a screen reader. `data` are the
 * traits that decide which numbers it shows, and `kept` the others that Reset brings back as they were.
 * build(own), called for each view, gives
 *   parts   nodes and parts, from top to bottom
 *   state   state() gives `now`, all that is drawn: a function of the traits
 *   say     say(now): what a screen reader hears when it is another sentence than before, unless the widget
 *           plays; undefined leaves it as it was
 *   bar     its player, which Space starts
 *   forget  forget(anew), as a part's
 * `own` has get(name) and set(traits); draw(); `initial`, the values that Reset brings back, restart(traits),
 * which begins anew with them or with others, and `reset`, the button; complain(sentence), and `error`, the line
 * where it stands until a trait changes; announce(sentence); pause(), which stops the player.
 * problem(traits), where the type of each does not say it: a sentence on why they cannot be shown together, or "".
 * A link is asked for it.
 * Every widget can fill the window, by a button or the key f.
 */
export const frame = ({ mark, label, data = [], kept = [], problem, build }) => ({ problem, render({ model, el }) {
  let view = {}, root = group({}), drawn = null, spoken = "", waiting = false, settling = 0;
  const pause = () => view.bar?.pause();
  const forget = (anew) => [view, root].forEach((one) => one.forget?.(anew));
  const own = ownOf(model, [...data, ...kept], pause, forget, draw);

  function draw() {
    waiting = false;
    const numbers = JSON.stringify(data.map(own.get));
    if (drawn !== null && drawn !== numbers) forget(false);
    drawn = numbers;
    const now = view.state(), held = document.activeElement;
    root.update(now);
    handOn(root.element, held);
    cancelAnimationFrame(settling);
    // When all is on the screen, so that nothing is laid out twice before it is.
    settling = requestAnimationFrame(() => setTimeout(() => settle(root.element)));
    const sentence = view.say?.(now);
    if (sentence === undefined || (spoken && view.bar?.playing)) return; // said when it pauses
    const known = view.bar?.saysWhere ? `${now.where}: ` : "";
    if (spoken && spoken !== sentence) own.announce(sentence.startsWith(known) ? sentence.slice(known.length) : sentence);
    spoken = sentence;
  }
  /** However many traits change, they are drawn once. */
  function changed() {
    own.complain("");
    if (!waiting) queueMicrotask(() => waiting && draw());
    waiting = true;
  }

  view = build(own);
  root = group({ class: `cnn-widget ${mark}`, role: "group", "aria-label": label }, ...view.parts, view.say && own.live);
  if (!isCurrent())
    root.element.prepend(h("p", { class: "error" }, "Colors and sizes are missing here: this needs a browser of 2023 or later."));
  if (view.bar) root.element.addEventListener("keydown", (event) => playOnSpace(event, view.bar));
  const full = fullWindow(root.element, label, draw);
  root.element.append(full.element, model.share ? shareButton(model, root.element, own.complain) : "");
  el.append(root.element);
  draw();
  model.on("change", changed);
  return () => {
    model.off("change", changed);
    pause();
    full.stop();
    root.stop();
    root.element.remove();
  };
} });
