// What scripts rarely load by: held from the moment on at which the gate has come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quiet, ready, recorded, site, until } from './harness.mjs';

const s = site();
const names = async () => (await s.hits()).map((hit) => hit.replace(/\?.*/, '')).sort();

/** Each is given an address; what it answers is what a script sees of it. */
const ways = {
  WebSocket: (src) =>
    new Promise((done) => {
      const socket = new WebSocket(src.replace('http', 'ws'));
      const seen = [socket instanceof WebSocket];
      socket.onerror = () => seen.push('error');
      socket.addEventListener('close', (e) => done([...seen, e.code, socket.readyState].join(' ')));
    }),
  EventSource: (src) =>
    new Promise((done) => {
      const source = new EventSource(src);
      source.onerror = () => done([source instanceof EventSource, source.readyState].join(' '));
    }),
  font: (src) =>
    new FontFace('Test', `url("${src}")`).load().then(
      () => 'loaded',
      (e) => e.name,
    ),
  style: (src) => {
    const style = document.createElement('style');
    style.textContent = `@import "${src}"; #top { color: rgb(1, 2, 3) }`;
    document.head.append(style);
    return getComputedStyle(document.getElementById('top')).color;
  },
  worker: (src) =>
    new Promise((done) => {
      const text = `
        const answers = [];
        fetch(${JSON.stringify(src)}).then(() => answers.push('sent'), (e) => answers.push(e.name)).then(() => {
          const xhr = new XMLHttpRequest();
          xhr.open('GET', ${JSON.stringify(src)});
          xhr.onloadend = () => {
            answers.push(xhr.status);
            try { importScripts(${JSON.stringify(src)}); } catch (e) { answers.push(e.name); }
            fetch(${JSON.stringify(location.origin + '/plain.html')}).then((answer) => postMessage([...answers, answer.status].join(' ')));
          };
          xhr.send();
        })`;
      const address = URL.createObjectURL(new Blob([text]));
      const worker = new Worker(address);
      URL.revokeObjectURL(address);
      worker.onmessage = (e) => done(e.data);
      worker.onerror = (e) => done(e.message);
    }),
};
const answers = {
  WebSocket: 'true error 1006 3',
  EventSource: 'true 2',
  font: /Error/,
  style: 'rgb(1, 2, 3)',
  worker: 'TypeError 0 NetworkError 200',
};

const decided = async () => {
  const visitor = await s.visitor();
  const page = await s.open('/block.html', visitor);
  await ready(page);
  await page.evaluate(() => volenti.rejectAll());
  await recorded(page);
  await until(() => page.evaluate(() => new Promise((done) => new EventSource('http://127.0.0.1:1/').addEventListener('error', (e) => done(e.target.url.startsWith('blob:'))))));
  await fetch(s.vendor + '/reset');
  return page;
};

test('what is rarely needed is held on the pages that follow, too', async () => {
  const page = await decided();
  await page.goto(s.shop + '/block.html?again');
  await until(() => page.evaluate((src) => new Promise((done) => Object.assign(new WebSocket(src), { onerror: (e) => done(e.target.readyState === 3 && !e.isTrusted) })), s.other.replace('http', 'ws') + '/free/../x'));
});

for (const [what, way] of Object.entries(ways))
  test(`${what}: held where it is refused, free where it is allowed, and again after a consent`, async () => {
    const page = await decided();
    const run = (address) => page.evaluate(`(${way})(${JSON.stringify(address)})`);
    assert.match(String(await run(s.other + '/x')), answers[what] instanceof RegExp ? answers[what] : new RegExp(`^${answers[what].replace(/[()]/g, '\\$&')}$`));
    await quiet();
    assert.deepEqual(await names(), []);
    await run(s.other + '/free/x');
    await until(async () => (await names()).includes('/free/x'));
    await page.evaluate(() => volenti.acceptAll());
    await quiet(200);
    const released = (await names()).includes('/x');
    assert.equal(released, what === 'style', 'a style gets back what was taken from it; nothing else is made up for');
    await run(s.other + '/y');
    await until(async () => (await names()).includes('/y'));
    assert.deepEqual(page.thrown.filter((text) => !/NetworkError|WebSocket/.test(text)), []);
  });
