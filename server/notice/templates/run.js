// Runs the tags of one category. A template puts nothing into the page by itself: what it loads becomes a marked element,
// which the gate releases as it does with the page's own, with its nonce and its Trusted Types policy, if it may load still.
(category, tags) => {
  const page = (name) => Reflect.get(Document.prototype, name, document);
  const put = (vendor) => (src, loaded, more) => {
    const { name = 'script', ...attributes } = more ?? {};
    const el = page('createElement').call(document, name);
    Object.assign(el, name === 'script' ? { type: 'text/plain', async: true } : { hidden: true });
    const all = { 'data-category': category, 'data-service': vendor, 'data-src': src, ...attributes };
    for (const key of Object.keys(all)) el.setAttribute(key, all[key]);
    // The element that loads is a copy of this one; events of elements pass the document on their way down.
    if (loaded)
      EventTarget.prototype.addEventListener.call(document, 'load', (e) => e.target?.src === src && loaded(), { capture: true });
    page('documentElement').append(el);
  };
  for (const [vendor, run, id] of tags) {
    try {
      run(id, put(vendor), window);
    } catch (e) {
      console.warn('volenti:', vendor, e);
    }
  }
}
