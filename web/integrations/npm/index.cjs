'use strict';
// One implementation for `import` and `require` alike, so that a page never has two of it. It touches no global of the
// browser while it is loaded: server rendering and tests may import it.

const inBrowser = () => typeof window !== 'undefined' && typeof document !== 'undefined';

/** window.volenti once the script has run; a queue, or an element of that id, is not it. */
const volenti = () => {
  if (!inBrowser()) return undefined;
  const it = Object.prototype.hasOwnProperty.call(window, 'volenti') ? window.volenti : undefined;
  return it && !Array.isArray(it) && it.state ? it : undefined;
};

const getState = () => volenti()?.state;

const own = (list, key) => !!list && Object.prototype.hasOwnProperty.call(list, key) && list[key] === true;

/** Whether a category or vendor may be used now. While nothing is known, nothing is granted. */
const granted = (key) => {
  const state = getState();
  return !!state && (own(state.categories, key) || own(state.vendors, key));
};

const listeners = new Set();
const events = ['ready', 'decision', 'change', 'recorded'];
const tell = () => {
  for (const listener of [...listeners]) listener();
};
/** Calls back after every change of the state; returns how to stop. Nothing is fetched for it. */
const subscribe = (listener) => {
  if (!inBrowser()) return () => {};
  if (listeners.size === 0) for (const name of events) document.addEventListener('volenti:' + name, tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) for (const name of events) document.removeEventListener('volenti:' + name, tell);
  };
};

/** Calls back with the state after each decision, and soon after this call if one is in force. Returns how to stop. */
const onDecision = (call) => {
  if (!inBrowser()) return () => {};
  let stopped = false;
  const hear = (e) => call(e.detail);
  document.addEventListener('volenti:decision', hear);
  const state = getState();
  if (state && state.decided) Promise.resolve().then(() => stopped || call(state));
  return () => {
    stopped = true;
    document.removeEventListener('volenti:decision', hear);
  };
};

const address = ({ server, site, lang }) => {
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(site)) throw new TypeError(`volenti: ${JSON.stringify(site)} is no site key`);
  return `${server.replace(/\/+$/, '')}/b/${site}.js${lang ? '?lang=' + encodeURIComponent(lang) : ''}`;
};

let loading;
/**
 * Puts the banner script into the page, unless it stands there, and resolves to window.volenti; to undefined where there is
 * no page. Called again it answers the same. It rejects if the script can't be loaded; then nothing that needs consent runs.
 */
const load = (options) => {
  if (!inBrowser()) return Promise.resolve(undefined);
  if (loading) return loading;
  const there = volenti();
  if (there) return (loading = Promise.resolve(there));
  const src = address(options);
  const stands = Array.from(document.scripts).find((script) => script.src && new URL(script.src, document.baseURI).pathname.endsWith(`/b/${options.site}.js`));
  const script = stands || document.createElement('script');
  loading = new Promise((resolve, reject) => {
    // At a first visit window.volenti is there when the script has run; at a later one it says so itself, and in a page that
    // is rendered ahead there is none before somebody sees the page.
    const look = () => {
      const it = volenti();
      if (!it) return;
      script.removeEventListener('load', look);
      for (const name of ['volenti:ready', 'prerenderingchange']) document.removeEventListener(name, look);
      tell();
      resolve(it);
    };
    script.addEventListener('load', look);
    for (const name of ['volenti:ready', 'prerenderingchange']) document.addEventListener(name, look);
    script.addEventListener('error', () => {
      loading = undefined; // the next call may try again
      if (!stands) script.remove();
      reject(new Error(`volenti: ${src} could not be loaded; everything that needs consent stays off`));
    });
  });
  if (!stands) {
    script.src = trusted(src);
    script.async = true;
    if (options.nonce) script.nonce = options.nonce;
    document.head.prepend(script);
  }
  return loading;
};

/** Under Trusted Types a script's address needs a policy. This one lets exactly that address pass. */
let policy;
const trusted = (src) => {
  const types = window.trustedTypes;
  if (!types) return src;
  try {
    policy = policy || types.createPolicy('volenti-loader', { createScriptURL: (url) => url });
    return policy.createScriptURL(src);
  } catch {
    return src; // the page's policy does not list volenti-loader: the browser says so
  }
};

/** Opens the choices, now or as soon as the script is there. */
const openSettings = () => {
  if (!inBrowser()) return;
  const it = volenti();
  if (it) it.show();
  else (Array.isArray(window.volenti) ? window.volenti : (window.volenti = [])).push(['show']);
};

module.exports = { load, getState, granted, subscribe, onDecision, openSettings };
