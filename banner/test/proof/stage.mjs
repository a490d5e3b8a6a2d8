// A shop with the snippets on its pages, the consent server, the vendors, and Chromium. A test file calls `stage()` once.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { install, patience } from '../e2e/installation.mjs';
import { connect } from './internet.mjs';
import { notice, policy } from './notice.mjs';
import { mark, snippets } from './snippets.mjs';
import { until } from '../browser/harness.mjs';

export const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
export const shop = 'https://www.shop.test';

const hostsOf = ({ own }) => [...new Set(own.map((start) => start.split('/')[0]))];
const named = (keys) => keys.split('+').map((key) => snippets.find((snippet) => snippet.key === key)).filter(Boolean);

/** The page at /how/key+key: `bare` has no banner, `live` the snippets as they are published, `marked` as docs/embed.md has them. */
export const page = (url, banner) => {
  const { pathname, search } = new URL(url, shop);
  const [, how, keys = ''] = pathname.split('/');
  const parts = (keys && ['bare', 'live', 'marked'].includes(how) ? named(keys) : []).map((snippet) => (how === 'marked' ? mark(snippet) : snippet));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
${how === 'bare' || !banner ? '' : `<script src="${banner}${search}"></script>`}
${parts.map(({ head = '' }) => head).join('\n')}
</head><body><h1>Shop</h1><p>Three lamps.</p>
${parts.map(({ body = '' }) => body).join('\n')}
</body></html>`;
};

/**
 * `edge`: the server stands before the shop. `plain`: the snippets of a stage for other browsers than Chromium, whose hosts
 * are names of this machine.
 */
export const stage = ({ edge = false, google, plain } = {}) => {
  /** `own` hosts by name; `asked` are the shop's pages that were, and why; `more` may answer other addresses of the shop's. */
  const s = { own: {}, asked: [], more: undefined };
  let browser, site;
  before(async () => {
    const { own } = s;
    const pages = (request, reply) => {
      if (s.more?.(request, reply)) return undefined;
      s.asked.push({ url: request.url, purpose: request.headers['sec-purpose'] ?? '' });
      if (request.url === '/favicon.ico') return reply.writeHead(204).end();
      // No "no-store": pages that may not be stored are not put by when they are left.
      reply.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
      const html = page(request.url, edge ? '' : `${consent}/b/shop.js`);
      return reply.end(plain ? s.net.disguise.text(html) : html);
    };
    s.net = await connect(own, plain?.flatMap(hostsOf));
    const [www, banner] = plain ? ['shop.localhost', 'consent.shop.localhost'] : ['www.shop.test', 'consent.shop.test'];
    s.shop = plain ? `http://${www}:${s.net.port}` : `https://${www}`;
    const consent = plain ? `http://${banner}:${s.net.port}` : `https://${banner}`;
    const hosts = Object.fromEntries((plain ?? []).map((snippet) => [snippet.key, hostsOf(snippet).map(s.net.disguise.pattern)]));
    s.server = await install();
    s.server.volenti('site', 'add', 'shop', '--name', 'Shop');
    s.server.volenti('policy', 'import', s.server.file('privacy.md', policy), '--site', 'shop');
    s.server.volenti('notice', 'publish', s.server.file('notice.toml', notice({ site: 'shop', origins: [s.shop], snippets: plain ?? snippets, google, hosts })));
    site = createServer(pages);
    await new Promise((done) => site.listen(0, '127.0.0.1', done));
    own[www] = edge ? s.server.port : site.address().port;
    own[banner] = s.server.port;
    if (edge) await s.server.start('gate', '--upstream', `http://127.0.0.1:${site.address().port}`, '--site', 'shop', '--public-url', s.shop);
    else await s.server.serve('--public-url', consent);
    if (!plain) browser = await s.launch(executablePath);
  });
  after(async () => {
    await browser?.close();
    await s.server?.end();
    site?.closeAllConnections();
    site?.close();
    s.net?.close();
  });

  /** Playwright would have no page put by when it is left. */
  s.launch = (path) => chromium.launch({ executablePath: path, args: s.net.args, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  /** A visitor's browser, with all it stores to itself. */
  s.visitor = async (options, of = browser) => {
    const context = await of.newContext(options);
    context.setDefaultTimeout(patience);
    return context;
  };
  s.reset = () => {
    s.net.hits.length = s.net.met.length = s.asked.length = 0;
  };
  /** Opens a page for a visitor, and forgets what came before it. */
  s.open = async (context, path) => {
    s.reset();
    const page = await context.newPage();
    page.thrown = [];
    page.on('pageerror', (e) => page.thrown.push(e.message));
    await page.goto(`${shop}/${path}?region=DE`);
    return page;
  };
  /** Gives what must not happen the time to happen: until nothing has reached anybody for a while. */
  s.settle = async (ms = 300) => {
    for (let count = -1; count !== s.net.hits.length; ) {
      count = s.net.hits.length;
      await new Promise((done) => setTimeout(done, ms));
    }
  };
  /** What reached a snippet's vendor, in order: causes before their effects, and what stands beside them. */
  s.trail = ({ own, apart = [] }, from = s.net.hits) => {
    const of = from.filter((address) => own.some((start) => address.startsWith(start))).map((address) => address.replace(/&gc[sd]=\w+|[?&]n=[\d.]+$/g, ''));
    const beside = (address) => apart.some((start) => address.startsWith(start));
    // Reports to one address go out side by side, too: only their number and words count.
    const path = (address) => address.split('?')[0];
    const reports = [];
    for (const address of of.filter((address) => !beside(address))) {
      if (reports.length && path(reports.at(-1)[0]) === path(address)) reports.at(-1).push(address);
      else reports.push([address]);
    }
    return [...reports.flatMap((run) => run.sort()), ...of.filter(beside).sort()];
  };
  return s;
};

export { patience, until };
/** Puts the snippets into the page once more, as applications do that change their address and not their document. */
export const navigate = (tab, path, html) =>
  tab.evaluate(
    ([address, markup]) => {
      history.pushState({}, '', address);
      const view = document.body.appendChild(document.createElement('section'));
      const { content } = Object.assign(document.createElement('template'), { innerHTML: markup });
      for (const dead of content.querySelectorAll('script')) {
        const script = document.createElement('script');
        for (const { name, value } of dead.attributes) script.setAttribute(name, value);
        if (!dead.hasAttribute('async')) script.async = false;
        script.text = dead.text;
        dead.replaceWith(script);
      }
      view.append(content);
    },
    [path, html.replace(/<noscript>.*?<\/noscript>/gs, '')],
  );
