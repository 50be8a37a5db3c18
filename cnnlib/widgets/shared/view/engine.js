// A worker made of a script's text, so that it starts from a file and in JupyterLab, too; or the page in its place.

/**
 * Runs `source`, a script that answers messages of `self`, in a worker; where none can start, in the page.
 * `receive(message)` gets what it posts, and onfail() is called where the page allows neither. Returns
 * {post(message), close(), inPage()}.
 */
export function createEngine(source, receive, onfail) {
  const waiting = []; // what was posted before it was known that the worker runs
  let port = null, running = false;
  const listen = ({ data }) => {
    running = true;
    waiting.length = 0;
    receive(data);
  };
  const inPage = () => port instanceof MessagePort;

  function startInPage() {
    const { port1, port2 } = new MessageChannel();
    try {
      new Function("self", source)(port2);
    } catch {
      return queueMicrotask(onfail); // nothing is asked of the engine yet
    }
    port = port1;
    port.onmessage = listen;
    for (const message of waiting) port.postMessage(message);
  }

  function startWorker() {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = (event) => {
      URL.revokeObjectURL(url);
      listen(event);
    };
    worker.onerror = (event) => {
      if (running) return;
      event.preventDefault();
      worker.terminate();
      startInPage();
    };
    return worker;
  }

  try {
    port = startWorker();
  } catch {
    startInPage(); // a page may forbid workers
  }
  return {
    post(message) {
      if (!running) waiting.push(message);
      port?.postMessage(message);
    },
    /** Ends the worker; in the page, what is going on. */
    close: () => (inPage() ? port.postMessage({ type: "pause" }) : port?.terminate()),
    inPage,
  };
}
