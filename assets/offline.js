// A service worker: what was opened once opens again without a network. The network is asked first, so
// that a reader who has one sees the newest page; after three seconds of silence the kept one is shown.
// A script or style is kept by its content (?v=), so that a kept page finds the ones it was made with.
// assets/page.js registers this, and fills the same cache when a reader asks for the whole book.

const KEPT = "book", PATIENCE = 3000, VERSIONS = 3;

async function keep(request, answer) {
  if (answer.status !== 200) return;
  const cache = await caches.open(KEPT);
  await cache.put(request, answer);
  const versions = await cache.keys(request, { ignoreSearch: true });
  await Promise.all(versions.slice(0, -VERSIONS).map((one) => cache.delete(one)));
}

/** Some hosts call page.html also page, and index.html also /. */
function names({ url, mode }) {
  if (mode !== "navigate") return [url];
  const plain = url.replace(/[?#].*/, "").replace(/(\/index)?\.html$/, (_, index) => (index ? "/" : ""));
  return [url, plain, plain.endsWith("/") ? `${plain}index.html` : `${plain}.html`];
}

/** The kept answer, and whether it is this very file and no other version of it. */
async function find(request) {
  const cache = await caches.open(KEPT);
  const exact = await cache.match(request);
  if (exact) return { kept: exact, exact: true };
  for (const name of names(request)) {
    const kept = (await cache.matchAll(name, { ignoreSearch: true })).pop();
    if (kept) return { kept, exact: request.mode === "navigate" };
  }
  return {};
}

async function answer(event) {
  const { request } = event;
  let { kept, exact } = await find(request).catch(() => ({})); // a browser may forbid it
  if (kept?.redirected) kept = new Response(kept.body, kept); // else no page may be shown with it
  if (exact && request.url.includes("?v=")) return kept;
  const fresh = fetch(request);
  const copied = fresh.then((one) => keep(request, one.clone()));
  event.waitUntil(copied.catch(() => {})); // no network, or no room: the page is shown all the same
  if (!kept) return fresh;
  const best = fresh.then((one) => (one.ok || one.type === "opaqueredirect" ? one : kept), () => kept);
  // An older version would not fit a page that has just come.
  return exact ? Promise.race([best, new Promise((done) => setTimeout(done, PATIENCE, kept))]) : best;
}

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, url, cache, destination } = event.request;
  if (method !== "GET" || !url.startsWith(registration.scope)) return;
  if (cache === "no-cache" && !destination) return; // page.js keeps these itself
  if (/\.(pdf|epub|zip)$/.test(new URL(url).pathname)) return; // these the reader keeps
  event.respondWith(answer(event));
});
