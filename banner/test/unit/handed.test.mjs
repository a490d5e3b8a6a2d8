import assert from 'node:assert/strict';
import { test } from 'node:test';
import { take } from '../../src/gate/handed.ts';

/** What is taken from a page at this address that was come to from there, and the address it then has. */
const at = (href, referrer) => {
  const { origin, pathname, search, hash } = new URL(href);
  let now = href;
  class Document {
    get referrer() {
      return referrer;
    }
  }
  globalThis.Document = Document;
  Object.setPrototypeOf(document, Document.prototype);
  Object.assign(globalThis, { location: { origin, pathname, search, hash }, history: { state: 1, replaceState: (state, _, to) => (now = to) } });
  return [take(), now];
};

const token = 'h1.shop.0f.aHR0cHM.1800000000.1800000001.10-_~1-0.mac_-';
const shop = 'https://www.shop.example';

test('a hand-over is taken out of the address, and believed from the notice’s origins only', () => {
  const table = [
    ['https://outlet.example/a?b=1#volenti=' + token, shop + '/x', [token, shop], 'https://outlet.example/a?b=1'],
    ['https://outlet.example/#part&volenti=' + token, shop, [token, shop], 'https://outlet.example/#part'],
    ['https://outlet.example//evil.example/#volenti=' + token, shop + '/', [token, shop], 'https://outlet.example//evil.example/'],
    ['https://outlet.example/#volenti=' + token, '', undefined, 'https://outlet.example/'],
    ['https://outlet.example/#volenti=' + token, 'https://stranger.example/', undefined, 'https://outlet.example/'],
    ['https://outlet.example/#volenti=' + token, 'https://www.shop.example.stranger.example/', undefined, 'https://outlet.example/'],
    ['https://outlet.example/#volenti=' + token, 'https://outlet.example/', undefined, 'https://outlet.example/'],
    ['https://out.example/#volenti=' + token, 'https://outlet.example/', [token, 'https://outlet.example'], 'https://out.example/'],
    ['https://outlet.example/#part', shop, undefined, 'https://outlet.example/#part'],
    ['https://outlet.example/#volenti=', shop, undefined, 'https://outlet.example/#volenti='],
    ['https://outlet.example/#volenti=<b>', shop, undefined, 'https://outlet.example/#volenti=%3Cb%3E'],
    ['https://outlet.example/#xvolenti=1', shop, undefined, 'https://outlet.example/#xvolenti=1'],
  ];
  for (const [href, referrer, want, then] of table) {
    const [taken, now] = at(href, referrer);
    assert.deepEqual(taken, want, `${href} from ${referrer}`);
    assert.equal(new URL(now).href, new URL(then).href);
  }
});
