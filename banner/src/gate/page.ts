/**
 * The document, by what its class says and not by what stands in it: `<img name="createElement">` or
 * `<form id="currentScript">` changes what `document.…` means (DOM clobbering), but not this. Where a node is wanted,
 * as an argument, use `document` itself.
 */
export const page: Document = new Proxy(document, {
  get: (_, name) => {
    const value: unknown = Reflect.get(Document.prototype, name, document);
    return typeof value === 'function' ? value.bind(document) : value;
  },
});

/** Tells the page; a listener that throws harms nobody else. */
export const emit = (name: string, detail?: unknown): void => {
  page.dispatchEvent(new CustomEvent('volenti:' + name, { detail }));
};

/** What went wrong in us goes to the console and never into the page. */
export const warn = (what: unknown): void => console.warn('volenti:', what);

/** f, but what it throws stays in here: what was shut stays shut. */
export const guard =
  <A extends unknown[]>(f: (...args: A) => unknown): ((...args: A) => void) =>
  (...args) => {
    try {
      f(...args);
    } catch (e) {
      warn(e);
    }
  };

/** What f returns; undefined where it throws: what can't be read is not there. */
export const attempt = <T>(f: () => T): T | undefined => {
  try {
    return f();
  } catch {
    return undefined;
  }
};

/** Lets other tasks and frames go first. Not a timer: those are slowed down in hidden tabs. */
export const rest = (): Promise<unknown> =>
  new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  });

/** Once the next frame is painted; in a hidden tab, which paints none, soon. */
export const afterPaint = (f: () => void): void => {
  const painted = new Promise(requestAnimationFrame).then(rest);
  void Promise.race([painted, new Promise((done) => setTimeout(done, 200))]).then(guard(f));
};

/** Once the page is one that somebody sees: nothing is asked, released or sent while it is only rendered ahead. */
export const whenShown = (f: () => void): void => {
  if ((page as { prerendering?: boolean }).prerendering) page.addEventListener('prerenderingchange', guard(f), { once: true });
  else f();
};

/** What fits a selector in an element, itself included. A form's own members may be inputs of those names. */
export const within = (root: Element, selector: string): HTMLElement[] => {
  const { matches, querySelectorAll } = Element.prototype;
  return [...(matches.call(root, selector) ? [root] : []), ...querySelectorAll.call(root, selector)] as HTMLElement[];
};
