// The window, the document, and what a browser offers around them. What would leave the page is written down and goes
// nowhere; time passes only when the inspection lets it.
(function (host, source) {
  'use strict';
  const G = globalThis;
  const { define, wrap, secret, handled, registry, adopts, call, handlers } = host.shared;
  const { Node, EventTarget, Event } = G;

  G.Document = class Document extends Node {
    createElement(tag) { return wrap(host.create(String(tag).toLowerCase(), false)); }
    createElementNS(space, tag) { return wrap(host.create(String(tag), String(space).endsWith('/svg'))); }
    createTextNode(text) { return wrap(host.createText(String(text))); }
    createComment() { return wrap(host.createComment()); }
    createDocumentFragment() { return wrap(host.createFragment()); }
    importNode(node, deep) { return node.cloneNode(deep); }
    adoptNode(node) { return node; }
    createEvent() { return new Event(''); }
    hasFocus() { return true; }
    getElementsByName(name) { return this.querySelectorAll(`[name="${name}"]`); }
    write() { throw new TypeError('nothing is written into the page'); }
    writeln() { throw new TypeError('nothing is written into the page'); }
    open() {}
    close() {}
    elementFromPoint() { return null; }
    createTreeWalker(root) { const all = root.querySelectorAll('*'); return { nextNode: () => all.shift() ?? null }; }
    createRange() { return { setStart() {}, setEnd() {}, selectNodeContents() {} }; }
    requestStorageAccess() { return Promise.reject(new Error('refused')); }
    hasStorageAccess() { return Promise.resolve(true); }
  };
  const own = (name) => ({ get() { return this.querySelector(name); } });
  define(G.Document.prototype, {
    ...adopts,
    documentElement: own('html'),
    head: own('head'),
    body: own('body'),
    scripts: { get() { return this.querySelectorAll('script'); } },
    forms: { get() { return this.querySelectorAll('form'); } },
    images: { get() { return this.querySelectorAll('img'); } },
    links: { get() { return this.querySelectorAll('a[href]'); } },
    currentScript: { get: () => wrap(host.currentScript()) },
    cookie: { get: () => '', set: (v) => host.stored('cookie ' + v) },
    readyState: { get: () => host.ready() },
    visibilityState: { get: () => 'visible' },
    hidden: { get: () => false },
    prerendering: { get: () => false },
    defaultView: { get: () => G },
    title: { get: () => '', set() {} },
    URL: { get: () => G.location.href },
    documentURI: { get: () => G.location.href },
    domain: { get: () => G.location.hostname },
    referrer: { get: () => '' },
    characterSet: { get: () => 'UTF-8' },
    compatMode: { get: () => 'CSS1Compat' },
    implementation: { get: () => ({ createHTMLDocument: () => G.document }) },
    scrollingElement: { get() { return this.documentElement; } },
    styleSheets: { get: () => [] },
    fonts: { get: () => ({ ready: Promise.resolve(), load: () => Promise.resolve([]) }) },
  });
  handled(G.Document.prototype);
  G.HTMLDocument = G.Document;

  // The global object is the window.
  G.Window = class Window extends EventTarget {};
  Object.setPrototypeOf(G, G.Window.prototype);
  handled(G.Window.prototype);
  Object.assign(G, { window: G, self: G, top: G, parent: G, frames: G, opener: null, name: '', closed: false, length: 0, origin: 'https://page.example' });
  for (const method of ['addEventListener', 'removeEventListener', 'dispatchEvent']) G[method] = EventTarget.prototype[method].bind(G);
  const definer = (name, make) => { if (!(name in G)) G[name] = make; };

  for (const name of 'UIEvent MouseEvent PointerEvent KeyboardEvent FocusEvent InputEvent StorageEvent MessageEvent PageTransitionEvent ToggleEvent ErrorEvent PromiseRejectionEvent SubmitEvent TouchEvent WheelEvent'.split(' '))
    G[name] = { [name]: class extends Event { constructor(type, init = {}) { super(type, init); for (const k in init) if (!(k in this)) this[k] = init[k]; } } }[name];
  G.CustomEvent = class CustomEvent extends Event { constructor(type, init = {}) { super(type, init); this.detail = init.detail ?? null; } };
  G.DOMException = class DOMException extends Error { constructor(message, name) { super(message); this.name = name ?? 'Error'; } };

  // Addresses
  class URLSearchParams {
    constructor(text = '') {
      this.all = typeof text === 'string' ? text.replace(/^\?/, '').split('&').filter(Boolean).map((p) => { const [k, ...v] = p.split('='); return [decodeURIComponent(k), decodeURIComponent(v.join('='))]; }) : [];
    }
    get(k) { return this.all.find((p) => p[0] === k)?.[1] ?? null; }
    has(k) { return this.all.some((p) => p[0] === k); }
    set(k, v) { this.delete(k); this.all.push([k, String(v)]); }
    append(k, v) { this.all.push([k, String(v)]); }
    delete(k) { this.all = this.all.filter((p) => p[0] !== k); }
    toString() { return this.all.map((p) => p.map(encodeURIComponent).join('=')).join('&'); }
    [Symbol.iterator]() { return this.all[Symbol.iterator](); }
  }
  G.URLSearchParams = URLSearchParams;
  G.URL = class URL {
    constructor(text, base) {
      const parts = host.url(String(text), base === undefined ? '' : String(base));
      if (!parts) throw new TypeError('Invalid URL');
      Object.assign(this, parts);
      this.searchParams = new URLSearchParams(this.search);
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
    static createObjectURL() { return 'blob:' + G.origin + '/0'; }
    static revokeObjectURL() {}
    static canParse(text, base) { return !!host.url(String(text), base === undefined ? '' : String(base)); }
  };
  G.location = new G.URL('https://page.example/');
  Object.assign(G.location, { reload: () => host.sent('reload', '', ''), replace: () => {}, assign: () => {}, ancestorOrigins: [] });
  G.history = { state: null, length: 1, pushState() {}, replaceState() {}, back() {} };

  // Time
  let timers = [];
  let next = 1;
  let now = 0;
  const later = (f, delay, args, every) => {
    timers.push({ id: next, at: now + Math.max(0, +delay || 0), f, args, every });
    return next++;
  };
  const cancel = (id) => { timers = timers.filter((t) => t.id !== id); };
  Object.assign(G, {
    setTimeout: (f, delay, ...args) => later(f, delay, args),
    setInterval: (f, delay, ...args) => later(f, delay, args, Math.max(1, +delay || 0)),
    requestAnimationFrame: (f) => later(f, 16, [0]),
    requestIdleCallback: (f) => later(f, 50, [{ didTimeout: false, timeRemaining: () => 10 }]),
    clearTimeout: cancel, clearInterval: cancel, cancelAnimationFrame: cancel, cancelIdleCallback: cancel,
    queueMicrotask: (f) => void Promise.resolve().then(f),
    structuredClone: (x) => JSON.parse(JSON.stringify(x)),
    reportError: (e) => host.thrown(String(e)),
  });
  G.performance = { now: () => now, timeOrigin: 0, mark() {}, measure() {}, getEntriesByType: () => [], getEntriesByName: () => [] };
  /** Runs the timer that is due first within limit, in milliseconds from the start; false if there is none. */
  host.tick = (limit) => {
    const due = timers.filter((t) => t.at <= limit).sort((a, b) => a.at - b.at || a.id - b.id)[0];
    if (!due) { now = Math.max(now, limit); return false; }
    now = Math.max(now, due.at);
    if (due.every) due.at = now + due.every;
    else timers = timers.filter((t) => t !== due);
    call(G, () => typeof due.f === 'function' && due.f(...(due.args ?? [])));
    return true;
  };
  G.MessageChannel = class MessageChannel {
    constructor() {
      const port = () => ({ onmessage: null, start() {}, close() {}, addEventListener(_, f) { this.onmessage = f; } });
      this.port1 = port();
      this.port2 = port();
      const join = (a, b) => { a.postMessage = (data) => later(() => b.onmessage && b.onmessage({ data }), 0); };
      join(this.port1, this.port2);
      join(this.port2, this.port1);
    }
  };

  // What would leave the page, or stay on the device
  const headers = (h) => ({ get: (k) => h[String(k).toLowerCase()] ?? null, has: (k) => String(k).toLowerCase() in h });
  G.fetch = (input, init = {}) => {
    const url = new G.URL(typeof input === 'string' ? input : (input.url ?? input.href), G.location.href).href;
    host.sent(init.method ?? 'GET', url, typeof init.body === 'string' ? init.body : '');
    return new Promise(() => {});
  };
  G.Response = class Response { constructor(body) { this.body = body; this.ok = true; this.status = 200; this.headers = headers({}); } async text() { return String(this.body ?? ''); } async json() { return JSON.parse(this.body); } };
  G.Request = class Request { constructor(url, init = {}) { this.url = String(url); this.method = init.method ?? 'GET'; } };
  G.Headers = class Headers {};
  G.XMLHttpRequest = class XMLHttpRequest extends EventTarget {
    open(method, url) { this.method = method; this.url = String(url); }
    setRequestHeader() {}
    send(body) { host.sent(this.method, new G.URL(this.url, G.location.href).href, typeof body === 'string' ? body : ''); }
    abort() {}
  };
  const storage = () => {
    const kept = {};
    return {
      getItem: (k) => kept['$' + k] ?? null,
      setItem: (k, v) => { host.stored('storage ' + k); kept['$' + k] = String(v); },
      removeItem: (k) => { delete kept['$' + k]; },
      clear: () => { for (const k of Object.keys(kept)) delete kept[k]; },
      key: (i) => Object.keys(kept)[i]?.slice(1) ?? null,
      get length() { return Object.keys(kept).length; },
    };
  };
  G.Storage = class Storage {};
  const kept = storage();
  const session = storage();
  Object.setPrototypeOf(kept, G.Storage.prototype);
  Object.setPrototypeOf(session, G.Storage.prototype);
  for (const method of ['getItem', 'setItem', 'removeItem', 'clear', 'key']) {
    const own = new Map([[kept, kept[method]], [session, session[method]]]);
    delete kept[method];
    delete session[method];
    G.Storage.prototype[method] = function (...args) { return own.get(this)(...args); };
  }
  Object.assign(G, { localStorage: kept, sessionStorage: session });

  class Navigator {}
  G.Navigator = Navigator;
  const navigator = {
    language: source.language, languages: [source.language], userAgent: 'Mozilla/5.0', platform: '', vendor: '', onLine: true,
    cookieEnabled: true, doNotTrack: null, webdriver: false, maxTouchPoints: 0, hardwareConcurrency: 2,
  };
  Object.assign(Navigator.prototype, { ...navigator, sendBeacon: (url, body) => (host.sent('POST', new G.URL(url, G.location.href).href, String(body ?? '')), true) });
  G.navigator = Object.create(Navigator.prototype);
  const refused = () => Promise.reject(new Error('refused'));
  Object.assign(Navigator.prototype, {
    serviceWorker: { register: refused, getRegistrations: () => Promise.resolve([]), getRegistration: () => Promise.resolve(undefined), addEventListener() {} },
    storage: { estimate: () => Promise.resolve({}), persisted: () => Promise.resolve(false) },
    permissions: { query: refused },
    locks: { request: (_, f) => Promise.resolve(typeof f === 'function' ? f({}) : undefined) },
  });
  G.ServiceWorkerContainer = class ServiceWorkerContainer {};
  G.indexedDB = { databases: () => Promise.resolve([]), open: () => ({}), deleteDatabase: () => ({}) };
  G.caches = { keys: () => Promise.resolve([]), delete: () => Promise.resolve(false), open: refused };
  G.IDBFactory = class IDBFactory {};
  G.CacheStorage = class CacheStorage {};
  G.crypto = { getRandomValues: (a) => { for (let i = 0; i < a.length; i++) a[i] = (i * 40503 + 7) & 0xff; return a; }, randomUUID: () => '00000000-0000-4000-8000-000000000000', subtle: { digest: refused } };
  G.trustedTypes = { createPolicy: (_, rules) => rules, isHTML: () => false, isScript: () => false, isScriptURL: () => false };

  // The window's shape, and what it is asked about it
  Object.assign(G, {
    innerWidth: 320, innerHeight: 640, outerWidth: 320, outerHeight: 640, devicePixelRatio: 1, scrollX: 0, scrollY: 0, pageXOffset: 0, pageYOffset: 0,
    isSecureContext: true, crossOriginIsolated: false,
    screen: { width: 320, height: 640, availWidth: 320, availHeight: 640, colorDepth: 24 },
    visualViewport: { width: 320, height: 640, addEventListener() {} },
    matchMedia: (media) => ({ media, matches: false, onchange: null, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {} }),
    getComputedStyle: (el) => new Proxy({ getPropertyValue: (name) => host.style(el[secret], name) }, { get: (own, name) => own[name] ?? (name === 'display' ? 'block' : name === 'width' || name === 'height' ? 'auto' : '') }),
    getSelection: () => null,
    scrollTo() {}, scrollBy() {}, scroll() {}, focus() {}, blur() {}, print() {}, alert() {}, stop() {}, moveTo() {},
    open: () => null, confirm: () => false, prompt: () => null, postMessage() {},
    CSS: { escape: (s) => String(s).replace(/[^\w-]/g, (c) => '\\' + c), supports: () => true },
    console: { warn: (...all) => host.warned(all.map((x) => String((x && x.stack) || x)).join(' ')), error: (...all) => host.warned(all.join(' ')), log() {}, info() {}, debug() {}, trace() {}, group() {}, groupEnd() {}, table() {} },
  });
  for (const name of 'MutationObserver IntersectionObserver ResizeObserver PerformanceObserver ReportingObserver'.split(' '))
    G[name] = { [name]: class { observe() {} unobserve() {} disconnect() {} takeRecords() { return []; } } }[name];
  G.BroadcastChannel = class BroadcastChannel extends EventTarget { postMessage() {} close() {} };
  for (const name of 'Blob File FormData FileReader Worker SharedWorker WebSocket EventSource RTCPeerConnection WebTransport DOMParser Range Selection NodeFilter TextEncoder TextDecoder AbortSignal'.split(' '))
    definer(name, { [name]: class extends EventTarget { postMessage() {} close() {} } }[name]);
  G.AbortController = class AbortController { constructor() { this.signal = { aborted: false, addEventListener() {} }; } abort() {} };
  G.AbortSignal.timeout = () => ({ aborted: false, addEventListener() {} });
  G.Image = function Image() { return G.document.createElement('img'); };
  G.Audio = function Audio() { return G.document.createElement('audio'); };
  G.Option = function Option() { return G.document.createElement('option'); };
  G.Image.prototype = G.HTMLImageElement.prototype;
  G.customElements = {
    define: (name, made) => { registry[name] = made; },
    get: (name) => registry[name],
    whenDefined: () => Promise.resolve(),
    upgrade() {},
  };

  // Texts of a language: what they say is not judged, only that something is said.
  class Format {
    format(x) { return String(x); }
    formatToParts(x) { return [{ type: 'literal', value: String(x) }]; }
    of(x) { return String(x); }
    select() { return 'other'; }
    resolvedOptions() { return { locale: source.language, timeZone: 'UTC' }; }
    static supportedLocalesOf(all) { return [].concat(all); }
  }
  G.Intl = {};
  for (const name of 'DateTimeFormat NumberFormat DisplayNames PluralRules ListFormat RelativeTimeFormat Collator Segmenter Locale'.split(' '))
    G.Intl[name] = { [name]: class extends Format { constructor(locale, options = {}) { super(); this.options = options; } format(x) { return this.options.unit ? `${x} ${this.options.unit}` : Array.isArray(x) ? x.join(', ') : String(x instanceof Date ? x.toISOString() : x); } } }[name];

  G.document = wrap(host.document());
  void handlers;
});
