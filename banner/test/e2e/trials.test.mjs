// Two first layers, compared by chance and without an identifier.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { press } from '../browser/harness.mjs';
import { kept, nothing, world } from './world.mjs';

const plum = 'rgb(122, 31, 92)';
const s = world({
  more: () => `
[[trial]]
key = "plum"
percent = 99

[trial.look]
accent = "#7a1f5c"

[trial.wording.de]
accept = "Allem zustimmen"
`,
});

const accent = (page) => page.locator('[data-volenti=accept]').evaluate((el) => getComputedStyle(el).backgroundColor);
/** The bytes that a record names, under the digest it names them by. */
const named = async (digest) => {
  const answer = await fetch(`${s.server.base}/v1/sites/shop/archive/${digest}`);
  const text = await answer.text();
  assert.equal(createHash('sha256').update(text).digest('hex'), digest);
  return text;
};

test('nearly everybody sees the trial, the record says which was seen, and counts say how it was answered', async () => {
  let tried = 0;
  for (const name of ['accept', 'reject', 'reject']) {
    const context = await s.visitor({ locale: 'de-DE' });
    const page = await s.open('/?region=DE', context);
    await page.locator('[data-volenti=accept]').waitFor();
    const seen = (await accent(page)) === plum;
    assert.equal(await page.locator('[data-volenti=accept]').textContent(), seen ? 'Allem zustimmen' : 'Alle akzeptieren');
    assert.deepEqual(await kept(page), nothing, 'nothing is kept of the draw');
    await page.reload();
    assert.equal((await accent(page)) === plum, seen, 'a reload shows the same');
    await press(page, name);
    const core = await s.receipt(page);
    const experience = JSON.parse(await named(core.experience));
    assert.equal((await named(experience.script)).includes('#7a1f5c'), seen);
    assert.equal(JSON.parse(await named(experience.wording)).accept === 'Allem zustimmen', seen);
    if (seen) tried++;
  }
  assert.ok(tried, 'three visitors drew the one in a hundred');

  await s.server.stop();
  const all = JSON.parse(s.server.volenti('trials', 'shop', '--json')).filter((a) => a.surface === 'opt-in');
  const [plain, trial] = ['', 'plum'].map((key) => all.find((a) => a.trial === key));
  assert.equal(trial.percent, 99);
  assert.equal(trial.decided.count, tried);
  assert.equal(plain.decided.count + trial.decided.count, 3);
  assert.equal(plain.accepted.count + trial.accepted.count, 1);
  assert.equal(plain.rejected.count + trial.rejected.count, 2);
  assert.ok(trial.shown >= tried && trial.rejected.low < trial.rejected.rate && trial.rejected.rate < trial.rejected.high + 1e-9);
  assert.match(s.server.volenti('trials', 'shop'), /opt-in\s+plum\s+99\s/);
});
