// A small shop with tags in the shapes that vendors hand out. It knows nothing of the banner but its one line.
import { createServer, request as forward } from 'node:http';

const nonce = 'c2hvcA';
const strict = (vendor) =>
  `default-src 'none'; script-src 'nonce-${nonce}' 'strict-dynamic'; style-src 'none'; img-src 'self' ${vendor}; frame-src ${vendor}; connect-src *; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types consent`;

const gated = (category, service) => `<script type="text/plain" data-category="${category}" data-service="${service}" nonce="${nonce}"`;

const analytics = (vendor) => `
${gated('analytics', 'ga4')} data-src="${vendor}/gtag/js?id=G-SHOP" async></script>
${gated('analytics', 'ga4')}>window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments); } gtag('js', new Date()); gtag('config', 'G-SHOP');</script>`;

const remarketing = (vendor) => `
${gated('marketing', 'meta')} data-src="${vendor}/fbevents.js"></script>
<img data-category="marketing" data-service="meta" data-src="${vendor}/tr?id=1" width="1" height="1" alt="">`;

const chain = (vendor, how) => `
${gated('analytics', 'chain')} data-src="${vendor}/A.js?${how}" data-timeout="${how === 'hang' ? 700 : 30000}"></script>
${gated('analytics', 'chain')}>ran.push('B');</script>
${gated('analytics', 'chain')} data-src="${vendor}/C.js"></script>
${gated('analytics', 'chain')}>ran.push('D');</script>`;

const video = (vendor) => `<iframe data-category="preferences" data-service="video" data-src="${vendor}/embed/1" title="Film" width="280" height="160"></iframe>`;
const reviews = (vendor) => `<template data-category="preferences" data-service="video"><p id="reviews">Reviews</p><script src="${vendor}/reviews.js"></script></template>`;

/** What stands on each page: its head, its body. */
const pages = {
  '/': (v) => [analytics(v), remarketing(v) + reviews(v)],
  '/slow': (v) => [chain(v, 'wait=700'), ''],
  '/hung': (v) => [chain(v, 'hang'), ''],
  '/film': (v) => ['', video(v)],
  '/strict': (v) => [analytics(v) + chain(v, 'wait=50'), remarketing(v) + video(v) + reviews(v)],
  '/catalogue/lamps/': (v) => [analytics(v), remarketing(v)],
};

/**
 * Starts it. `vendors` gives the vendors' port. A page's query goes on to the banner's script, so that a test can say
 * the region; `banner` says where that script is. Beneath /consent/ it is a reverse proxy as docs/embed.md has it:
 * prefix taken off, host kept; `upstream` is the port behind it, or text that it answers instead.
 */
export const startShop = async (vendors) => {
  const it = { port: 0, banner: '', upstream: 0, close: () => (server.closeAllConnections(), server.close()) };
  const server = createServer((request, answer) => {
    const { pathname, search } = new URL(request.url, 'http://shop');
    if (pathname.startsWith('/consent/')) {
      if (typeof it.upstream === 'string') return answer.writeHead(200, { 'content-type': 'text/html' }).end(it.upstream);
      const { headers, method } = request;
      const on = forward({ port: it.upstream, host: '127.0.0.1', method, headers, path: request.url.slice('/consent'.length) }, (from) => {
        answer.writeHead(from.statusCode, from.headers);
        from.pipe(answer);
      });
      on.on('error', () => answer.writeHead(502).end());
      return request.pipe(on);
    }
    const page = pages[pathname];
    if (!page) return answer.writeHead(404).end();
    // The vendors are another host than every name of the shop.
    const vendor = `http://127.0.0.1:${vendors.port}`;
    const [head, body] = page(vendor);
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    answer.setHeader('cache-control', 'no-store');
    if (pathname === '/strict') answer.setHeader('content-security-policy', strict(vendor));
    return answer.end(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<script nonce="${nonce}">window.violations = []; document.addEventListener('securitypolicyviolation', (e) => violations.push(e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample)); window.ran = [];</script>
<script nonce="${nonce}" src="${it.banner}/b/shop.js${search}"></script>
<meta name="viewport" content="width=device-width, initial-scale=1">${head}</head>
<body><main><h1>Lamps</h1><p>Three lamps, and a button.</p><button type="button" id="buy">Buy</button>${body}</main>
<script nonce="${nonce}">document.getElementById('buy').onclick = (e) => { e.target.textContent = 'Bought'; };</script></body></html>`);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  it.port = server.address().port;
  return it;
};
