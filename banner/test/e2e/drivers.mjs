// Firefox and WebKit by the protocols they speak themselves: Marionette over a socket, WebDriver over HTTP. Both give
// { go, run, within, click, end }: `within` runs in a frame; each call is a fresh browser with a fresh profile.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../browser/harness.mjs';
import { freePort, patience } from './installation.mjs';

const element = 'element-6066-11e4-a52e-4f735466cecf'; // W3C WebDriver § 12.3, the web element identifier
const first = (paths) => paths.find((path) => path && existsSync(path));

const firefoxPath = first([process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox']);
const libraries = existsSync('/usr/lib') ? readdirSync('/usr/lib').filter((name) => name.endsWith('-linux-gnu')) : [];
const miniBrowser = first(libraries.flatMap((name) => ['6.0', '4.1', '4.0'].map((v) => `/usr/lib/${name}/${v === '6.0' ? 'webkitgtk' : 'webkit2gtk'}-${v}/MiniBrowser`)));
const webkitDriver = first(['/usr/bin/WebKitWebDriver']);
const display = first(['/usr/bin/xvfb-run']);

/** A process with a folder of its own, both gone at the end: it, and what it started. */
const start = (command, args, env = {}) => {
  const home = mkdtempSync(join(tmpdir(), 'volenti-browser-'));
  const child = spawn(command, args(home), { detached: true, stdio: 'ignore', env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, ...env } });
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  process.once('exit', kill);
  return {
    home,
    async end() {
      process.removeListener('exit', kill);
      kill();
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
      rmSync(home, { recursive: true, force: true, maxRetries: 10 });
    },
  };
};

/** Marionette: each message is its length, a colon, and JSON: [0, id, command, parameters] → [1, id, error, result]. */
const firefox = async () => {
  const browser = start(firefoxPath, (home) => {
    writeFileSync(join(home, 'user.js'), 'user_pref("marionette.port", 0);\nuser_pref("datareporting.policy.dataSubmissionEnabled", false);\n');
    return ['--headless', '--marionette', '--no-remote', '--profile', home];
  });
  const at = join(browser.home, 'MarionetteActivePort');
  const port = await until(() => existsSync(at) && Number(readFileSync(at, 'utf8')), 'Firefox', patience);
  const socket = connect(port, '127.0.0.1');
  const waiting = new Map();
  let read = Buffer.alloc(0);
  socket.on('data', (more) => {
    read = Buffer.concat([read, more]);
    for (let colon; (colon = read.indexOf(':')) > 0; ) {
      const end = colon + 1 + Number(read.subarray(0, colon));
      if (read.length < end) return;
      const message = JSON.parse(read.subarray(colon + 1, end));
      read = read.subarray(end);
      if (!Array.isArray(message)) continue; // its greeting
      const [, id, error, result] = message;
      const [done, fail] = waiting.get(id);
      if (error) fail(new Error(`Firefox: ${error.error}: ${error.message}`));
      else done(result);
    }
  });
  const send = (command, parameters) =>
    new Promise((done, fail) => {
      const id = waiting.size + 1;
      waiting.set(id, [done, fail]);
      const text = JSON.stringify([0, id, command, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  await send('WebDriver:NewSession', {});
  return {
    go: (url) => send('WebDriver:Navigate', { url }),
    run: async (script) => (await send('WebDriver:ExecuteScript', { script, args: [] })).value,
    async within(selector, script) {
      const { value } = await send('WebDriver:FindElement', { using: 'css selector', value: selector });
      await send('WebDriver:SwitchToFrame', { id: null, element: value[element] });
      const answer = await send('WebDriver:ExecuteScript', { script, args: [] });
      await send('WebDriver:SwitchToFrame', { id: null });
      return answer.value;
    },
    async click(selector) {
      const { value } = await send('WebDriver:FindElement', { using: 'css selector', value: selector });
      await send('WebDriver:ElementClick', { id: value[element] });
    },
    async end() {
      socket.destroy();
      await browser.end();
    },
  };
};

const webkit = async () => {
  const port = await freePort();
  // Its own sandbox needs rights that containers and CI machines do not give.
  const browser = start(display, () => ['-a', webkitDriver, `--port=${port}`], { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', LIBGL_ALWAYS_SOFTWARE: '1' });
  const send = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/session${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`WebKit: ${value.error}: ${value.message}`);
    return value;
  };
  const options = { binary: miniBrowser, args: ['--automation'] };
  const ask = { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } };
  await until(() => fetch(`http://127.0.0.1:${port}/status`).then((r) => r.ok, () => false), 'WebKitWebDriver', patience);
  const { sessionId } = await send('POST', '', ask);
  const call = (path, body) => send('POST', `/${sessionId}${path}`, body);
  return {
    go: (url) => call('/url', { url }),
    run: (script) => call('/execute/sync', { script, args: [] }),
    async within(selector, script) {
      await call('/frame', { id: await call('/element', { using: 'css selector', value: selector }) });
      const answer = await call('/execute/sync', { script, args: [] });
      await call('/frame', { id: null });
      return answer;
    },
    async click(selector) {
      const found = await call('/element', { using: 'css selector', value: selector });
      await call(`/element/${found[element]}/click`, {});
    },
    async end() {
      await send('DELETE', `/${sessionId}`).catch(() => {});
      await browser.end();
    },
  };
};

/** Those that are on this machine; `skip` says what is missing of the others. */
export const drivers = {
  Firefox: { open: firefox, skip: !firefoxPath && 'install firefox-esr, or say where Firefox is in FIREFOX' },
  WebKit: { open: webkit, skip: !(miniBrowser && webkitDriver && display) && 'install webkit2gtk-driver and xvfb' },
};
