// On the server nothing is granted, whatever there is; in the browser see banner/test/e2e/integrations.test.mjs.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Gated, SettingsButton, useConsent } from '../react.js';

const require = createRequire(import.meta.url);
const { createElement: h } = require('react');
const { renderToString } = require('react-dom/server');

test('what is gated is not in the page that a server renders', () => {
  globalThis.window = globalThis;
  globalThis.document = new EventTarget();
  globalThis.volenti = { state: { decided: true, categories: { marketing: true }, vendors: {} } };
  try {
    const Says = () => h('p', null, String(useConsent('marketing')));
    const html = renderToString(h('main', null, h(Says), h(Gated, { category: 'marketing', fallback: h('i', null, 'wait') }, h('iframe', { src: 'https://v.example' })), h(SettingsButton, { className: 'x' }, 'Settings')));
    assert.equal(html, '<main><p>false</p><i>wait</i><button type="button" class="x">Settings</button></main>');
  } finally {
    for (const name of ['window', 'document', 'volenti']) delete globalThis[name];
  }
});
