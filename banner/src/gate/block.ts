import { rules } from 'volenti:rules';
import { elements } from './blockElements';
import { network } from './blockNetwork';
import { storage } from './blockStorage';
import type { Head } from './head';
import { emit, page, warn } from './page';
import { patch, type Patch } from './patch';
import { createJudge } from './rules';
import { allows, type Marked } from './tags';
import type { Trust } from './trust';
import type { Choices } from './types';

/** Holds what nobody marked, by its address. Put into Head and compiled apart, so no name in here may be mangled. */
export interface Block {
  /** Everything may load. */
  free: boolean;
  /** What else to do when that has changed. */
  also?: () => void;
  /** What may load now. */
  update(now: Choices): void;
  /** Whether something may load that is marked so, or has the verdict of this number. */
  allows(what: Marked | number): boolean;
  /** The verdict on an address that may not be fetched now; marks of the site's own count more. Tells who wants to know. */
  stops(address: unknown, marked?: Marked | false): Marked | undefined;
  /** Elements that were held before they could run, and have no marks but ours. */
  readonly mine: Set<HTMLElement>;
  /** Scripts that were parsed as a part of markup: they never run (HTML, "already started"), so they are left alone. */
  readonly dead: WeakSet<Node>;
  readonly patch: Patch;
  readonly trust: Trust;
}

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
