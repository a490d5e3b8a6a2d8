import assert from 'node:assert/strict';
import { test } from 'node:test';
import { info, needs, parameters, permissions, run, scenarios, sections } from './template.mjs';

const all = scenarios();

test('the file has the sections that Tag Manager imports, each well formed', () => {
  assert.deepEqual(Object.keys(sections), ['TERMS_OF_SERVICE', 'INFO', 'TEMPLATE_PARAMETERS', 'SANDBOXED_JS_FOR_WEB_TEMPLATE', 'WEB_PERMISSIONS', 'TESTS', 'NOTES']);
  assert.equal(info.type, 'TAG');
  assert.deepEqual(info.containerContexts, ['WEB']);
  const used = [...sections.SANDBOXED_JS_FOR_WEB_TEMPLATE.matchAll(/\bdata\.(\w+)/g)].map((m) => m[1]).filter((name) => !name.startsWith('gtmOn'));
  assert.deepEqual([...new Set(used)].sort(), parameters.map((p) => p.name).sort());
});

for (const { name, code } of all.scenarios) test(name, () => run({ setup: all.setup, code }));

test('the scenarios of the file are all read, and can fail', () => {
  assert.equal(all.scenarios.length, 6);
  assert.throws(() => run({ setup: all.setup, code: "runCode(mockData); assertApi('injectScript').wasNotCalled();" }));
});

test('the sandbox has all that the code asks for, with a permission each, and no permission more', () => {
  const asked = [...sections.SANDBOXED_JS_FOR_WEB_TEMPLATE.matchAll(/require\('(\w+)'\)/g)].map((m) => m[1]);
  const wanted = [...new Set(asked.map((name) => needs[name]).filter(Boolean))].sort();
  assert.deepEqual(permissions.map((p) => p.instance.key.publicId).sort(), wanted);
  // Language that the sandbox does not run: https://developers.google.com/tag-platform/tag-manager/templates/sandboxed-javascript
  assert.doesNotMatch(sections.SANDBOXED_JS_FOR_WEB_TEMPLATE.replace(/'[^'\n]*'|\/\/.*|\/\*[^]*?\*\//g, ''), /\b(new|this|class|async|await|function\*|window|document|eval)\b|\?\.|\?\?|`/);
});

test('every consent type may be written, and the script only from the server', () => {
  const of = (id) => permissions.find((p) => p.instance.key.publicId === id).instance.param[0].value.listItem;
  const written = of('access_consent').map((row) => [row.mapValue[0].string, row.mapValue[2].boolean]);
  const told = run({ setup: all.setup, code: 'runCode(mockData);' }).setDefaultConsentState[0][0];
  delete told.wait_for_update;
  assert.deepEqual(Object.fromEntries(written), Object.fromEntries(Object.keys(told).map((type) => [type, true])));
  assert.deepEqual(of('inject_script').map((item) => item.string), ['https://consent.example.com/*']);
});
