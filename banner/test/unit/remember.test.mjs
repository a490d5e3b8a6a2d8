import assert from 'node:assert/strict';
import { test } from 'node:test';
import { follow, forget, hasCookie, name, parse, read, write } from '../../src/gate/remember.ts';
import { dnt, gpc, sent, signalOn } from '../../src/gate/signals.ts';

const decision = { v: 1, c: '10000.----', n: 'f', a: 1, u: 2, s: 0, e: 'e' };
const kept = JSON.stringify(decision);

/** A page's storage, which may be one that throws. */
const storage = (throws) => {
  const items = new Map();
  const guarded = (f) => (...args) => {
    if (throws) throw new Error('no storage');
    return f(...args);
  };
  globalThis.localStorage = { getItem: guarded((key) => items.get(key) ?? null), setItem: guarded((key, value) => void items.set(key, value)), removeItem: guarded((key) => void items.delete(key)) };
  return items;
};

test('what is kept is read again, or is not there', () => {
  const items = storage();
  assert.equal(read(), undefined);
  write(decision);
  assert.equal(items.get(name), kept);
  assert.deepEqual({ ...read() }, decision);
  forget();
  assert.equal(items.size, 0);
  for (const odd of ['', 'x', 'null', '{}', ...['v', 'c', 'a', 'u'].map((key) => JSON.stringify({ ...decision, [key]: '1' })), JSON.stringify({ ...decision, c: '1.' })]) assert.equal(parse(odd), undefined, odd);
  assert.equal(parse(undefined), undefined);
});

test('a page that may keep nothing goes on', () => {
  storage(true);
  const { warn } = console;
  const said = [];
  console.warn = (...what) => said.push(what);
  write(decision);
  forget();
  assert.equal(read(), undefined);
  console.warn = warn;
  assert.equal(said.length, 2);
});

test('a cookie of ours is a hint, and none where cookies can’t be read', () => {
  let cookies = '';
  class Document {
    get cookie() {
      if (cookies === undefined) throw new Error('sandboxed');
      return cookies;
    }
  }
  globalThis.Document = Document;
  Object.setPrototypeOf(document, Document.prototype);
  for (const [text, want] of [['', false], ['volenti=1', true], ['a=1; volenti=1', true], ['a=volenti=1', false], ['xvolenti=1', false], [undefined, false]]) {
    cookies = text;
    assert.equal(hasCookie(), want, text);
  }
});

test('other tabs are heard and told, as far as the browser lets them', () => {
  const listeners = {};
  globalThis.addEventListener = (type, call) => (listeners[type] = call);
  const posted = [];
  let last;
  globalThis.BroadcastChannel = class {
    constructor(of) {
      assert.equal(of, name);
      last = this;
    }
    postMessage(text) {
      posted.push(text);
    }
  };
  const heard = [];
  const tell = follow((other) => heard.push(other.a));
  listeners.storage({ key: name, newValue: kept });
  listeners.storage({ key: 'another', newValue: kept });
  listeners.storage({ key: name, newValue: null });
  last.onmessage({ data: kept });
  last.onmessage({ data: 'x' });
  tell(decision);
  assert.deepEqual([heard, posted], [[1, 1], [kept]]);
  globalThis.BroadcastChannel = class {
    constructor() {
      throw new Error('switched off');
    }
  };
  const { warn } = console;
  console.warn = () => {};
  follow(() => {})(decision);
  console.warn = warn;
  assert.equal(posted.length, 1);
});

test('signals are what the browser says, and exactly that', () => {
  Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true, writable: true });
  for (const [browser, boot, want] of [
    [{}, {}, [false, false, false, false]],
    [{ globalPrivacyControl: true }, {}, [true, false, false, true]],
    [{ globalPrivacyControl: '1' }, {}, [false, false, false, false]],
    [{ doNotTrack: '1' }, {}, [false, true, false, true]],
    [{ doNotTrack: 'yes' }, {}, [false, false, false, false]],
    [{}, { g: 1 }, [false, false, true, true]],
    [{}, { d: 1 }, [false, false, true, true]],
    [{}, { o: 1 }, [false, false, true, true]],
  ]) {
    globalThis.navigator = browser;
    assert.deepEqual([gpc(), dnt(), sent(boot), signalOn(boot)], want, JSON.stringify([browser, boot]));
  }
});
