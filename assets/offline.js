// A service worker: what was opened once opens again without a network. The network is asked first, so
// that a reader who has one sees the newest page; after three seconds of silence the kept one is shown.
// assets/page.js registers it, and fills the same cache when a reader asks for the whole book.

const KEPT = "book", PATIENCE = 3000;

async function keep(request, answer) {
  const cache = await caches.open(KEPT);
  await cache.delete(request, { ignoreSearch: true }); // what the file was before: ?v= names its content
  await cache.put(request, answer);
}

async function freshOrKept(request, fresh) {
  const kept = await (await caches.open(KEPT)).match(request, { ignoreSearch: true });
  if (!kept) return fresh;
  const silence = new Promise((done) => setTimeout(done, PATIENCE));
  return (await Promise.race([fresh, silence]).catch(() => null)) ?? kept;
}

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  const fresh = fetch(request);
  const copied = fresh.then((answer) => (answer.ok ? keep(request, answer.clone()) : null));
  event.waitUntil(copied.catch(() => {})); // no network, or no room: the page is shown all the same
  event.respondWith(freshOrKept(request, fresh));
});
