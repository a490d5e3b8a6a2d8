// The plugin's own tests are PHP (run.php); its bridge is JavaScript, as PHP prints it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const here = fileURLToPath(new URL('.', import.meta.url));
const skip = spawnSync('php', ['-v']).status === 0 ? false : 'no php: install php-cli (.ci/deps does)';

test('every file of it is PHP', { skip }, () => {
  const folder = join(here, '../volenti');
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.php'));
  assert.ok(files.length >= 6, String(files));
  for (const name of files) execFileSync('php', ['-l', join(folder, name)], { stdio: 'pipe' });
});

test('what it prints, keeps and takes away', { skip }, () => {
  const { status, stdout, stderr } = spawnSync('php', ['-d', 'error_reporting=-1', '-d', 'display_errors=1', join(here, 'run.php')], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^[1-9]\d+ passed, 0 failed\n$/);
});

const bridge = () => execFileSync('php', ['-r', `require '${join(here, 'stubs.php')}'; echo volenti_bridge();`], { encoding: 'utf8' });

test('the WP Consent API is told what is in force, and nothing before a decision', { skip }, () => {
  const told = [];
  const page = new EventTarget();
  const window = { volenti: { state: { decided: false, categories: { preferences: false, analytics: false, marketing: false } } } };
  vm.runInNewContext(bridge(), { window, document: page, wp_set_consent: (...args) => told.push(args.join(' ')) });
  page.dispatchEvent(new Event('volenti:ready'));
  assert.deepEqual(told, [], 'it keeps cookies, so it is told nothing yet');

  window.volenti.state = { decided: true, categories: { analytics: true, marketing: false } };
  page.dispatchEvent(new Event('volenti:decision'));
  assert.deepEqual(told.splice(0), ['functional allow', 'preferences deny', 'statistics allow', 'statistics-anonymous allow', 'marketing deny']);

  window.volenti.state = { decided: false, categories: { preferences: true, analytics: true, marketing: true } };
  page.dispatchEvent(new Event('volenti:ready'));
  assert.equal(told.filter((call) => call.endsWith(' allow')).length, 5, 'what is on by the law');
});
