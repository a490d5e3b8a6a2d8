// Unmarked tags in the other browser engines: their parsers prepare scripts, and their elements fetch, by code of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drivers } from '../e2e/drivers.mjs';
import { quiet, site, until } from './harness.mjs';

const s = site();
const names = async () => [...new Set((await s.hits()).map((hit) => hit.replace(/\?.*/, '')))].sort();

/** Puts in or sends everything at once, under a name; answers arrive in window.answers. */
const load = `
  const [base, name] = arguments.length ? arguments : window.given;
  window.answers = [];
  const script = document.createElement('script');
  script.src = base + '/' + name + '1.js';
  document.head.appendChild(script);
  const late = document.body.appendChild(document.createElement('script'));
  late.src = base + '/' + name + '2.js';
  new Image().src = base + '/' + name + '3.gif';
  document.getElementById('app').innerHTML = '<img src="' + base + '/' + name + '4.gif" alt=""><iframe src="' + base + '/' + name + '5"></iframe>';
  const frame = document.createElement('iframe');
  frame.src = base + '/' + name + '6';
  document.body.append(frame);
  fetch(base + '/' + name + '7', { mode: 'no-cors' }).then(() => window.answers.push('fetch'), () => window.answers.push('no fetch'));
  const xhr = new XMLHttpRequest();
  xhr.open('GET', base + '/' + name + '8');
  xhr.onload = () => window.answers.push('xhr');
  xhr.onerror = () => window.answers.push('no xhr ' + xhr.readyState);
  xhr.send();
  if (navigator.sendBeacon) window.answers.push(navigator.sendBeacon(base + '/' + name + '9') ? 'beacon' : 'no beacon');
`;
const all = (name) => [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `/${name}${n}${n < 3 ? '.js' : n < 5 ? '.gif' : ''}`);

for (const [name, { open, skip }] of Object.entries(drivers))
  test(`${name}: what nobody marked is held until it is granted`, { skip }, async () => {
    const browser = await open();
    const give = (base, what) => browser.run(`window.given = ${JSON.stringify([base, what])}; ${load}`);
    const answers = () => browser.run('return window.answers.slice().sort()');
    try {
      await browser.go(s.shop + '/blockparsed.html');
      await until(() => browser.run('return !!(window.volenti && window.volenti.state)'));
      await quiet(800);
      assert.deepEqual(await browser.run('return window.ran.slice().sort()'), ['B', 'F', 'G'], 'the parser’s');
      await browser.run('volenti.acceptAll()');
      await until(() => browser.run('return window.ran.length === 7'));
      await browser.run('volenti.withdraw()');
      await until(() => browser.run('return !!volenti.state.receipt'));

      await browser.go(s.shop + '/block.html?again');
      await until(() => browser.run('return !!(window.volenti && window.volenti.state)'));
      await fetch(s.vendor + '/reset');
      await give(s.other, 'held');
      await until(async () => (await answers()).length === 3);
      assert.deepEqual(await answers(), ['no beacon', 'no fetch', 'no xhr 4']);
      await quiet(800);
      assert.deepEqual(await names(), [], 'what scripts put in and send');
      await give(s.other + '/free', 'ok');
      await until(async () => (await names()).length === 9);
      assert.deepEqual(await names(), all('ok').map((path) => '/free' + path));
      await fetch(s.vendor + '/reset');
      await browser.run('volenti.acceptAll()');
      await until(async () => (await names()).length === 5);
      await quiet(800);
      // The frame that the second markup replaced is gone; an image would have been fetched by then.
      assert.deepEqual(await names(), all('held').filter((path) => /held[12346]/.test(path)));
    } finally {
      await browser.end();
    }
  });
