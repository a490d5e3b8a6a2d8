import { rules } from 'volenti:rules';
import { elements } from './blockElements';
import { network } from './blockNetwork';
import { storage } from './blockStorage';
import type { Head } from './head';
import type { Block } from './hold';
import { emit, page, warn } from './page';
import { patch } from './patch';
import { createJudge } from './rules';
import { allows, type Marked } from './tags';

/**
 * Nothing is touched in a page where everything may load; what was put in place stays, and steps aside when everything
 * may. Each thing is judged when it wants to load.
 */
export const createBlock = ({ base, trust }: Head): Block => {
  const judge = createJudge(rules, `${location.hostname} ${new URL(base).hostname}`);
  const verdicts = rules.verdicts.map(([category, service = '']) => ({ dataset: { category, service } }));
  const told = new Set<string>();
  let now = '';
  let holds = false;

  const block: Block = {
    free: true,
    update(next) {
      now = next;
      block.free = verdicts.slice(1).every((verdict) => allows(now, verdict));
      if (!holds && !block.free) {
        holds = true;
        if (VOLENTI.blocking === 'strict') storage(block);
        network(block);
        elements(block);
      }
      block.also?.();
    },
    stops(address, marked) {
      let url = { href: String(address), hostname: '' };
      // What can't be read is held like what nobody knows.
      let verdict = rules.unknown;
      try {
        verdict = judge((url = new URL(url.href, page.baseURI)) as URL);
      } catch {
        // It is no address.
      }
      const found = verdicts[verdict]!;
      if (!verdict || allows(now, marked || found)) return undefined;
      const { category, service: vendor } = found.dataset;
      emit('held', { src: url.href, category, vendor });
      if (verdict === rules.unknown && told.size < told.add(url.hostname).size) warn(`held as ${category}, see blocking.allow: ${url.hostname}`);
      return found;
    },
    mine: new Set(),
    dead: new WeakSet(),
    allows: (what) => allows(now, verdicts[what as number] ?? (what as Marked)),
    patch: (...args) => patch(block, ...args),
    trust,
  };
  return block;
};
