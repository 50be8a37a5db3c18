// A widget's state as a link, and what a link may bring: cnnlib/widgets/links.py has the other half.
//
// A link is the address of a page and #w1/CLASS/NUMBER/STATE: the version, which of the page's widgets of that class,
// and, as base64 for addresses, a JSON object of the traits that are not as the page has stored them.
import { button, copyText, h } from "./dom.js";

const VERSION = 1;
const LONGEST = 4000; // letters of one trait's value
const LARGEST = 100_000; // letters of a link that is read
const LINK = /^#w(\d+)\/(\w+)\/(\d+)\/(.*)$/s;
const PLAYGROUND = "#playground-", OF_PLAYGROUND = ["layers", "data", "settings", "seed", "seeds", "drawings"];
const CUT = "This link cannot be read. It may have been cut off.";

const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const decode = (letters) => new TextDecoder("utf-8", { fatal: true })
  .decode(Uint8Array.from(atob(letters.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.codePointAt()));

const KINDS = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: Number.isSafeInteger,
  null: (value) => value === null,
  number: Number.isFinite,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  string: (value) => typeof value === "string",
};

/** Whether a value is what a JSON Schema, of those that links.py makes, asks for. Lists in a list are of one length. */
function fits(value, { type, anyOf, enum: choices, items, prefixItems = [], pattern, properties, ...limits }) {
  if (anyOf) return anyOf.some((one) => fits(value, one));
  if (choices) return choices.includes(value);
  if (!KINDS[type](value)) return false;
  const { minimum = -Infinity, exclusiveMinimum = -Infinity, maximum = Infinity, minItems = 0, maxItems = Infinity, maxLength = Infinity } = limits;
  if (properties)
    return Object.keys(value).length === Object.keys(properties).length
      && Object.entries(properties).every(([name, schema]) => Object.hasOwn(value, name) && fits(value[name], schema));
  if (type === "string") return value.length <= maxLength && (!pattern || new RegExp(pattern).test(value));
  if (type !== "array") return !(value < minimum || value <= exclusiveMinimum || value > maximum);
  const even = value.every((one) => !Array.isArray(one) || one.length === value[0].length);
  return even && value.length >= minItems && value.length <= maxItems && value.every((one, k) => {
    const schema = prefixItems[k] ?? items;
    return !schema || fits(one, schema);
  });
}

/** The link in a page's fragment: `name` and `number` of the widget, and `values`, which nobody has looked at yet. */
function open(hash) {
  if (hash.length > LARGEST) throw new Error(`This link is too long: ${hash.length} letters; expected at most ${LARGEST}.`);
  const [, version, name, number, letters] = hash.match(LINK) ?? [];
  if (version > VERSION) throw new Error("This link was made by a newer version of the book.");
  let values;
  try {
    if (version) values = letters ? JSON.parse(decode(letters)) : {};
    else {
      const list = JSON.parse(decode(hash.slice(PLAYGROUND.length)));
      values = Object.fromEntries(OF_PLAYGROUND.map((trait, k) => [trait, list[k]]));
    }
  } catch {
    throw new Error(CUT);
  }
  if (!KINDS.object(values)) throw new Error(CUT);
  return { name: name ?? "Playground", number: Number(number ?? 1), values };
}

/** The traits with those of a link, which need not hold all parts of an object. */
const merged = (stored, values) => ({ ...stored, ...Object.fromEntries(Object.entries(values).map(([name, value]) =>
  [name, KINDS.object(value) ? { ...stored[name], ...value } : value])) });

/** Why a widget cannot show these traits, or "". */
function obstacle(problem, traits) {
  try {
    return problem(traits);
  } catch (error) {
    return [TypeError, RangeError].some((kind) => error instanceof kind) ? "A part of it is not what it should be." : error.message.slice(0, 300);
  }
}

/** What `restore` gives; throws a sentence where the link brings nothing. */
function bring(hash, stored, { traits: schemas }, problem = () => "") {
  const { values } = open(hash);
  const known = ([name]) => Object.hasOwn(schemas, name) && Object.hasOwn(stored, name);
  const pairs = Object.entries(values), possible = pairs.filter((pair) => known(pair) && fits(pair[1], schemas[pair[0]]));
  const lost = pairs.filter((pair) => !possible.includes(pair)).map(([name]) => name.slice(0, 40));
  if (lost.length && !possible.length) throw new Error(`This link holds nothing that this widget can show: ${lost.slice(0, 5).join(", ")}.`);
  const all = merged(stored, Object.fromEntries(possible)), sentence = obstacle(problem, all);
  if (sentence) throw new Error(`This link cannot be shown. ${sentence}`);
  return { traits: Object.fromEntries(possible.map(([name]) => [name, all[name]])),
    words: lost.length ? `Not brought back, because it is unknown or not possible here: ${lost.slice(0, 5).join(", ")}.` : "" };
}

/**
 * What a link brings to a widget whose state is stored: `traits` to set, and `words`, which say what could not be
 * brought back. problem(traits) is the widget's own last check.
 */
function restore(...given) {
  try {
    return bring(...given);
  } catch ({ message }) {
    return { traits: {}, words: message };
  }
}

/** The state of a model as a link's fragment, and the words for what is not in it. */
function fragment({ name, number, model, stored, schemas: { traits, left } }) {
  const isOther = (trait) => model.get(trait) !== stored[trait] && JSON.stringify(model.get(trait)) !== JSON.stringify(stored[trait]);
  const changed = Object.keys(stored).filter(isOther);
  const held = changed.filter((trait) => Object.hasOwn(traits, trait) && fits(model.get(trait), traits[trait])
    && JSON.stringify(model.get(trait)).length <= LONGEST);
  const state = JSON.stringify(Object.fromEntries(held.map((trait) => [trait, model.get(trait)])));
  return { hash: `#w${VERSION}/${name}/${number}/${held.length ? encode(state) : ""}`,
    missing: changed.filter((trait) => !held.includes(trait) && Object.hasOwn({ ...traits, ...left }, trait)).map((trait) => left[trait] ?? trait.replaceAll("_", " ")) };
}

/** The code that shows a widget in another page, as high as it is: the page alone tells its height. */
const embedding = (address, label) => `<iframe src="${address}" title="${label}" width="100%" height="600"
  style="border: 0" loading="lazy" allow="clipboard-write; fullscreen"
  sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox"></iframe>
<script>
addEventListener("message", ({ data, source }) => {
  if (data?.type === "cnnlib-height")
    for (const frame of document.querySelectorAll("iframe"))
      if (frame.contentWindow === source) frame.height = data.height;
});
</script>`;

/** A button that copies a text, and the text. */
function copying(label, tag) {
  const text = h("code", { class: "link" }), said = h("span", { role: "status" });
  const element = h("div", {}, h("div", { class: "controls" }, button(label, () => copyText(text, said)), said), h(tag, { tabindex: 0, "aria-label": label }, text));
  return { element, write(now) {
    if (text.textContent !== now) [text.textContent, said.textContent] = [now, ""];
  } };
}

/** The menu of a widget: links to its state, here and alone on a page. */
function createMenu(widget) {
  const { model, root, page, alone } = widget;
  const [link, code] = [copying("Link to this", "p"), copying("Embed this", "pre")], missing = h("p", { class: "note" });
  const local = "The book is open as files here, so these lead nowhere but to this device. Those of a published page work everywhere.";
  const element = h("div", { class: "links" }, link, code, missing, page.startsWith("file:") ? h("p", { class: "note" }, local) : null);
  function update() {
    const { hash, missing: words } = fragment(widget);
    link.write(page + hash);
    code.write(embedding(alone + hash, root.getAttribute("aria-label")));
    missing.textContent = words.length ? `Not in the link, because it is large: ${words.join(", ")}.` : "";
  }
  model.on("change", () => element.isConnected && update());
  return { element, update };
}

const menus = new WeakMap();
/**
 * Shows or hides the menu of a widget, whose `button` was pressed. `root` is its element, `stored` the state that the
 * page has of it, `page` the page's address without its fragment, and `alone` that of the page with this widget alone.
 */
function toggle(widget) {
  const { root, button: opener } = widget;
  if (!menus.has(root)) menus.set(root, createMenu(widget));
  const { element, update } = menus.get(root), isOpen = element.isConnected;
  if (isOpen) element.remove();
  else {
    update();
    root.append(element);
  }
  opener.setAttribute("aria-expanded", !isOpen);
}

/** A sentence about a link. */
const note = (...words) => h("p", { class: "link-note", role: "status" }, ...words);

/**
 * Says above a widget what became of the link that has led to it. In a chapter, where `again` draws it anew, it can
 * be shown as the page has it, and the page stays there while what stands above arrives, until the reader acts.
 */
function arrive(el, { traits, words }, again) {
  const brings = Object.keys(traits).length > 0, showStored = button("Show what the page has", () => {
    history.replaceState(null, "", location.href.split("#")[0]);
    again();
  });
  if (words || (brings && again)) el.prepend(note(words || "This shows what the link holds.", " ", brings && again ? showStored : null));
  if (!again) return; // a frame must not move the page around it
  const done = new AbortController(), once = { once: true, signal: done.signal };
  const growth = new ResizeObserver(() => el.scrollIntoView());
  done.signal.addEventListener("abort", () => growth.disconnect());
  for (const name of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(name, () => done.abort(), once);
  const end = () => setTimeout(() => done.abort(), 3000);
  if (document.readyState === "complete") end();
  else addEventListener("load", end, once);
  growth.observe(document.body);
}

/** Says in a page that it has no widget of this link. */
function miss(article, key) {
  article.prepend(note(key ? `This link is for a widget that this page does not have: ${key.replace("/", " ")}.` : CUT));
  article.scrollIntoView();
}

export default { arrive, fragment, miss, restore, toggle };
