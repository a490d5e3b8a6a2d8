// Fills a site's cookie declaration into its own pages: every <volenti-declaration> and every element with
// data-volenti="declaration". What stands in the element before, such as a link to the declaration's page, stays until
// there is something to show, and for good if there is nothing.
//
// <div data-volenti="declaration"><a href="https://consent.example.com/privacy/shop/cookies">Cookies</a></div>
// <script async src="https://consent.example.com/b/shop/declaration.js"></script>
//
// It makes elements and sets texts: no markup is parsed, no style attribute is set, so a strict Content-Security-Policy
// with Trusted Types allows it.
(() => {
  'use strict';
  const doc = document;
  const found = /^(.*)\/b\/([a-z0-9-]+)\/declaration\.js/.exec((doc.currentScript && doc.currentScript.src) || '');
  if (!found) return;
  const [, base, site] = found;
  const wanted = 'volenti-declaration,[data-volenti=declaration]';
  const sheet =
    'volenti-declaration,[data-volenti=declaration]{display:block}' +
    '.volenti-table{overflow-x:auto}' +
    '.volenti-table table{border-collapse:collapse;inline-size:100%}' +
    '.volenti-table :is(th,td){padding:.4em .8em .4em 0;border-block-end:1px solid #8886;text-align:start;vertical-align:top}' +
    '@media print{.volenti-table{overflow:visible}.volenti-table tr{break-inside:avoid}}';

  /** An element with attributes and children; a text is a text node, nothing is left out. */
  const make = (name, attributes, ...children) => {
    const el = doc.createElement(name);
    for (const key of Object.keys(attributes)) el.setAttribute(key, attributes[key]);
    el.append(...children.filter((child) => child !== ''));
    return el;
  };
  /** A link, if it leads somewhere a link may lead. */
  const link = (to, text, more = {}) => {
    const address = new URL(to, base + '/');
    return /^(https?|mailto):$/.test(address.protocol) ? make('a', { href: address.href, ...more }, text) : '';
  };

  const stored = (vendor, words) =>
    make('div', { class: 'volenti-table', role: 'region', tabindex: '0', 'aria-label': `${vendor.name}: ${words.stored}` },
      make('table', {},
        make('thead', {}, make('tr', {}, ...['name', 'kind', 'duration', 'purpose'].map((key) => make('th', { scope: 'col' }, words[key])))),
        make('tbody', {}, ...vendor.stored.map((s) =>
          make('tr', {}, make('td', {}, make('code', {}, s.name)), make('td', {}, s.kind_text), make('td', {}, s.duration_text), make('td', {}, s.purpose))))));

  /** Where data goes, the vendor's policy, its opt-out; only what there is. */
  const about = (vendor) => {
    const parts = [
      vendor.data_goes_to || '',
      vendor.policy_url ? link(vendor.policy_url, vendor.policy_text) : '',
      vendor.opt_out_url ? link(vendor.opt_out_url, vendor.opt_out_text) : '',
    ].filter((part) => part !== '');
    return parts.length ? make('p', {}, ...parts.flatMap((part, i) => (i ? [' ', part] : [part]))) : '';
  };

  const section = (category, words, level) =>
    make('section', {},
      make('h' + level, {}, category.label + (category.necessary ? ` (${words.always})` : '')),
      make('p', {}, category.about),
      ...(category.vendors.length
        ? category.vendors.flatMap((v) => [make('h' + (level + 1), {}, v.name), about(v), v.stored.length ? stored(v, words) : '']).filter((part) => part !== '')
        : [make('p', {}, words.no_partners)]));

  const fill = (el, d) => {
    const { words, links, controller } = d;
    const level = Math.min(5, Math.max(2, Number(el.getAttribute('data-level')) || 2));
    el.setAttribute('lang', d.language);
    el.setAttribute('dir', d.direction);
    el.replaceChildren(
      make('p', {}, words.declaration_about),
      make('p', {}, words.updated),
      ...d.categories.map((category) => section(category, words, level)),
      make('address', {}, words.responsible, make('br', {}), controller.address, make('br', {}), link(controller.contact, controller.contact.replace(/^mailto:/, ''))),
      // Opens the choices where the banner is there, and leads to them where it is not.
      make('p', {}, link(links.policy, words.policy), ' · ', link(links.choices, words.reopen, { 'data-volenti': 'open' })),
    );
  };

  const pending = new Map();
  /** The declaration in a language, asked for once. */
  const declaration = (lang) => {
    if (!pending.has(lang))
      pending.set(lang, fetch(`${base}/v1/sites/${site}/declaration${lang ? '?lang=' + encodeURIComponent(lang) : ''}`).then((answer) => {
        if (!answer.ok) throw new Error('the declaration was not answered: ' + answer.status);
        return answer.json();
      }));
    return pending.get(lang);
  };

  const seen = new WeakSet();
  let dressed = false;
  const find = () => {
    for (const el of doc.querySelectorAll(wanted)) {
      if (seen.has(el)) continue;
      seen.add(el);
      const own = el.closest('[lang]');
      declaration(own ? own.getAttribute('lang') : '').then(
        (d) => {
          if (!dressed) {
            const css = new CSSStyleSheet();
            css.replaceSync(sheet);
            doc.adoptedStyleSheets = [...doc.adoptedStyleSheets, css];
            dressed = true;
          }
          fill(el, d);
        },
        (e) => console.warn('volenti:', e),
      );
    }
  };
  find();
  // Pages that are still being read, and those that are put together by script.
  new MutationObserver(find).observe(doc.documentElement, { childList: true, subtree: true });
})();
