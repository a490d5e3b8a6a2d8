// As much of Tag Manager as the template meets: its sandbox (only what was asked for by `require`, and none of the
// language that the sandbox leaves out), its permissions, and its test runner.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const text = readFileSync(new URL('../template.tpl', import.meta.url), 'utf8');

/** The sections of the file by name. */
export const sections = Object.fromEntries(
  text
    .split(/^___([A-Z_]+)___$/m)
    .slice(1)
    .reduce((pairs, part, i, all) => (i % 2 ? pairs : [...pairs, [part, all[i + 1].trim()]]), []),
);
export const permissions = JSON.parse(sections.WEB_PERMISSIONS);
export const parameters = JSON.parse(sections.TEMPLATE_PARAMETERS);
export const info = JSON.parse(sections.INFO);

/** What each API does where a test has not said otherwise. */
const plain = {
  encodeUriComponent: encodeURIComponent,
  makeNumber: Number,
  createQueue: () => () => {},
};

/** The permission that an API needs, and none of ours may be without one. */
export const needs = {
  setDefaultConsentState: 'access_consent',
  updateConsentState: 'access_consent',
  injectScript: 'inject_script',
  callInWindow: 'access_globals',
  copyFromWindow: 'access_globals',
  createQueue: 'access_globals',
  gtagSet: 'write_data_layer',
  logToConsole: 'logging',
  queryPermission: '',
  encodeUriComponent: '',
  makeNumber: '',
};

/** The scenarios of the tests section, and its setup. */
export const scenarios = () => {
  const blocks = [];
  let setup = '';
  const dedent = (lines, by) => lines.map((line) => line.slice(by)).join('\n');
  const lines = sections.TESTS.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const name = /^- name: (.*)$/.exec(lines[i]);
    if (!name && lines[i] !== 'setup: |-') continue;
    const from = name ? i + 2 : i + 1;
    const indent = name ? 4 : 2;
    let to = from;
    while (to < lines.length && (lines[to] === '' || lines[to].startsWith(' '.repeat(indent)))) to++;
    if (name) blocks.push({ name: name[1], code: dedent(lines.slice(from, to), indent) });
    else setup = dedent(lines.slice(from, to), indent);
  }
  return { setup, scenarios: blocks };
};

/** Runs one scenario. */
export const run = ({ setup, code }) => {
  const mocks = {};
  const calls = {};
  const record = (name, args) => (calls[name] ??= []).push(args);
  const api = (name) => (...args) => {
    record(name, args);
    const mock = name in mocks ? mocks[name] : plain[name];
    return typeof mock === 'function' ? mock(...args) : mock;
  };
  const same = (a, b) => assert.deepEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
  const tools = {
    mock: (name, what) => (mocks[name] = what),
    assertThat: (got) => ({ isEqualTo: (want) => same(got, want) }),
    assertApi: (name) => ({
      wasCalled: () => assert.ok(calls[name], `${name} was not called`),
      wasNotCalled: () => assert.ok(!calls[name], `${name} was called`),
      wasCalledWith: (...want) => {
        assert.ok(calls[name], `${name} was not called`);
        same(calls[name].at(-1), want);
      },
    }),
    runCode(data) {
      data.gtmOnSuccess = api('gtmOnSuccess');
      data.gtmOnFailure = api('gtmOnFailure');
      const require = (name) => {
        assert.ok(name in needs, `the sandbox has no ${name}`);
        assert.ok(!needs[name] || permissions.some((p) => p.instance.key.publicId === needs[name]), `${name} needs the permission ${needs[name]}`);
        return api(name);
      };
      vm.runInNewContext(`((require, data) => {'use strict';${sections.SANDBOXED_JS_FOR_WEB_TEMPLATE}\n})`, {})(require, data);
    },
  };
  new Function(...Object.keys(tools), `${setup}\n${code}`)(...Object.values(tools));
  return calls;
};
