import assert from 'node:assert/strict';
import { test } from 'node:test';
import table from '../../../server/notice/testdata/rules.json';
import { createJudge } from '../../src/gate/rules.ts';
import rules from './rules.golden.json';

/** Vendors of the catalogue that a script need not carry: it then holds what it does not know, which is never laxer. */
const cut = new Set(['google-maps', 'youtube', 'linkedin']);

test('addresses are judged as the server judges them', () => {
  let judged = 0;
  for (const { what, notice, page, address, verdict } of table.cases) {
    const mine = rules[notice];
    const judge = createJudge(mine, new URL(page).hostname);
    let got = mine.unknown;
    try {
      got = judge(new URL(address, page));
    } catch {
      // It can't be read: as unknown.
    }
    const [category, vendor] = mine.verdicts[got];
    const want = [verdict.category, verdict.vendor];
    if (cut.has(verdict.known) && got === mine.unknown && mine.verdicts[got][0]) continue;
    judged++;
    assert.deepEqual([category, vendor], want, `${what}: ${address} in ${page}`);
  }
  assert.ok(judged > table.cases.length - 10, `${judged} of ${table.cases.length}`);
});
