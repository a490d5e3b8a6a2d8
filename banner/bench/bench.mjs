// Measures banners side by side, interleaved, in one run: make bench-browser. What it prints is the table of
// docs/benchmarks.md. Absolute times do not carry from machine to machine; ratios and bytes do.
//
//   node bench.mjs [--runs 7] [--only volenti]
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { install } from '../test/e2e/installation.mjs';
import { notice, policy } from '../test/e2e/notice.mjs';
import { candidates } from './candidates.mjs';
import { serve } from './site.mjs';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '7' }, only: { type: 'string', default: '' } } });
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium-headless-shell';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** A phone of the middle price range on a slow mobile network. */
const cpu = 4;
const network = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 };

/** Runs in the page from its start: when an answer can be seen, what was painted when, and how long a click takes. */
const probe = (source) => {
  Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false });
  const accept = new RegExp(source, 'i');
  const m = (window.measured = { visible: 0, lcp: 0, cls: 0, tbt: 0, longest: 0, click: 0 });
  const find = (root) => {
    for (const el of root.querySelectorAll('*')) {
      if (el.matches('button,a,[role=button],input[type=button]') && accept.test((el.textContent || el.value || '').trim())) {
        const box = el.getBoundingClientRect();
        if (box.width > 20 && box.height > 10 && box.top < innerHeight && box.bottom > 0 && el.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return el;
      }
      const inner = el.shadowRoot && find(el.shadowRoot);
      if (inner) return inner;
    }
    return undefined;
  };
  window.findAccept = () => find(document);
  const look = () => {
    if (m.visible) return;
    if (document.body && find(document)) {
      // Seen once the frame is painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (m.visible = performance.now());
      port2.postMessage(0);
      return;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const observe = (type, call) => new PerformanceObserver((list) => list.getEntries().forEach(call)).observe({ type, buffered: true });
  observe('largest-contentful-paint', (e) => (m.lcp = e.startTime));
  observe('layout-shift', (e) => (m.cls += e.hadRecentInput ? 0 : e.value));
  observe('longtask', (e) => {
    m.tbt += Math.max(0, e.duration - 50);
    m.longest = Math.max(m.longest, e.duration);
  });
  addEventListener(
    'click',
    (e) => {
      m.clicked = e.timeStamp;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => (m.click = performance.now() - e.timeStamp);
        port2.postMessage(0);
      });
    },
    true,
  );
};

/** One visit of one page, from an empty profile, or of somebody who accepted. */
const visit = async (browser, origin, index, count, again) => {
  // Some banners hide from what looks like a robot.
  const userAgent = `Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version().split('.')[0]}.0.0.0 Mobile Safari/537.36`;
  const context = await browser.newContext({ viewport: { width: 412, height: 823 }, locale: 'en-GB', userAgent });
  const page = await context.newPage();
  await page.addInitScript(probe, candidates[index].accept.source);
  const client = await context.newCDPSession(page);
  let wire = 0;
  let requests = 0;
  let seen = false;
  const own = new Set();
  const start = async () => {
    await client.send('Network.enable');
    await client.send('Network.emulateNetworkConditions', network);
    await client.send('Emulation.setCPUThrottlingRate', { rate: cpu });
    await client.send('Performance.enable');
  };
  client.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (!seen && !/^\/(\d+\/\d|tag\/|favicon)/.test(new URL(request.url).pathname)) own.add(requestId) && requests++;
  });
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => own.has(requestId) && (wire += encodedDataLength));
  await start();
  const url = `${origin}/${index}/${count}`;
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForFunction(() => window.measured.visible > 0, undefined, { timeout: 30_000 });
  await page.waitForTimeout(500);
  const { metrics } = await client.send('Performance.getMetrics');
  const metric = (name) => metrics.find((x) => x.name === name).value * 1e3;
  const before = await page.evaluate(() => ({ ...window.measured, fcp: performance.getEntriesByName('first-contentful-paint')[0]?.startTime }));
  seen = true;
  const box = await page.evaluate(() => {
    const { x, y, width, height } = window.findAccept().getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2 };
  });
  // A hand takes about 400 ms to reach a button and press it; the last half of it over the first layer.
  for (let step = 8; step >= 0; step--) {
    await page.mouse.move(box.x - 30 * step, box.y - 4 * step);
    await new Promise((done) => setTimeout(done, 45));
  }
  await page.mouse.click(box.x, box.y);
  await page.waitForFunction((n) => window.measured.click > 0 && performance.getEntriesByName('tag').length >= n, count, { timeout: 30_000 });
  const after = await page.evaluate(() => ({ click: window.measured.click, first: (performance.getEntriesByName('tag')[0]?.startTime ?? NaN) - window.measured.clicked }));
  const result = {
    wire, requests, fcp: before.fcp, lcp: before.lcp, visible: before.visible, cls: before.cls, tbt: before.tbt, longest: before.longest,
    script: metric('ScriptDuration'), main: metric('TaskDuration'), click: after.click, first: after.first,
  };
  if (again) {
    await page.waitForTimeout(400);
    await page.goto(url, { waitUntil: 'load' });
    await page.waitForFunction((n) => performance.getEntriesByName('tag').length >= n, count, { timeout: 30_000 });
    result.back = await page.evaluate(() => performance.getEntriesByName('tag')[0].startTime);
  }
  await context.close();
  return result;
};

const median = (list) => {
  const sorted = list.filter((x) => Number.isFinite(x)).sort((a, b) => a - b);
  return sorted.length ? (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2 : NaN;
};

const it = await install();
const { port: sitePort, close } = await (async () => serve(candidates, it.port))();
const origin = `http://127.0.0.1:${sitePort}`;
const browser = await chromium.launch({ executablePath, args });
try {
  it.volenti('site', 'add', 'shop', '--name', 'Shop');
  it.volenti('policy', 'import', it.file('privacy.md', policy('It counts visits.')), '--site', 'shop');
  it.volenti('notice', 'publish', it.file('notice.toml', notice({ origins: [origin] })));
  await it.serve();
  const results = candidates.map(() => ({ plain: [], tagged: [] }));
  for (let run = 0; run < +options.runs; run++)
    for (const [i, candidate] of candidates.entries()) {
      if (!candidate.name.toLowerCase().includes(options.only.toLowerCase())) continue;
      try {
        results[i].plain.push(await visit(browser, origin, i, 0, false));
        results[i].tagged.push(await visit(browser, origin, i, 3, true));
      } catch (e) {
        process.stderr.write(`${candidate.name}: ${e.message.split('\n')[0]}\n`);
      }
      process.stderr.write('.');
    }
  process.stderr.write('\n');
  const value = (i, kind, name) => median(results[i][kind].map((r) => r[name]));
  const unit = value(1, 'plain', 'visible');
  console.log(`${options.runs} interleaved runs, Chromium ${browser.version()}, CPU ${cpu}×, RTT ${network.latency} ms, 1.6 Mbit/s; medians, ms unless said\n`);
  console.log('| banner | wire kB | requests | FCP | LCP | visible | ÷ one script | CLS | blocking time | script | main thread | click → frame | … with three tags | Accept → first tag | return: first tag |');
  console.log('| --- |' + ' ---: |'.repeat(14));
  for (const [i, { name }] of candidates.entries()) {
    if (!results[i].plain.length) continue;
    const p = (key, digits = 0) => value(i, 'plain', key).toFixed(digits);
    const t = (key, digits = 0) => value(i, 'tagged', key).toFixed(digits);
    console.log(
      `| ${[name, (value(i, 'plain', 'wire') / 1e3).toFixed(1), p('requests'), p('fcp'), p('lcp'), p('visible'), (value(i, 'plain', 'visible') / unit).toFixed(2), p('cls', 3), p('tbt'), p('script'), p('main'), p('click'), t('click'), t('first', 1), t('back')].join(' | ')} |`,
    );
  }
} finally {
  await browser.close();
  close();
  await it.end();
}
