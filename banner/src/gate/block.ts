import { rules } from 'volenti:rules';
import { elements } from './blockElements';
import { markup } from './blockMarkup';
import { network } from './blockNetwork';
import type { Head } from './head';
import { emit, guard, page, warn } from './page';
import { createJudge, type Verdict } from './rules';
import { allows, type Marked } from './tags';
import type { Trust } from './trust';
import type { Choices } from './types';

/** Holds what nobody marked, by its address. Put into Head, so no name in here may be mangled. */
export interface Block {
  /** What may load now. */
  update(now: Choices): void;
  /** Elements that were held before they could run. */
  readonly mine: WeakSet<Element>;
}

/** What the parts of the blocker share. */
export interface Hold {
  /** Everything may load. */
  free: boolean;
  /** The verdict on an address that may not be fetched now; marks of the site's own count more. Tells who wants to know. */
  stops(address: unknown, marked?: Marked | false): Verdict | undefined;
  /** Does something once it may be done. */
  later(verdict: Marked, release: () => void): void;
  readonly mine: WeakSet<Element>;
  readonly trust: Trust;
}

/**
 * Nothing is touched in a page where everything may load; what was put in place stays, and steps aside when everything
 * may. Each thing is judged when it wants to load.
 */
export const createBlock = ({ base, trust }: Head): Block => {
  const [own, sites, known] = rules.lists as [string[], string[], string[]];
  const judge = createJudge({ ...rules, lists: [own, [`${sites[0]} ${location.hostname} ${new URL(base).hostname}`], known] });
  const waiting = new Map<() => void, Marked>();
  const told = new Set<string>();
  const mine = new WeakSet<Element>();
  let now = '';
  let installed = false;

  const hold: Hold = {
    free: true,
    stops(address, marked) {
      let url: URL | undefined;
      try {
        url = new URL(address as string, page.baseURI);
      } catch {
        // Nobody can fetch that.
      }
      const verdict = judge(url);
      if (!verdict || allows(now, marked || verdict)) return undefined;
      const { href: src, hostname } = url ?? {};
      const { category, service: vendor } = verdict.dataset;
      emit('held', { src, category, vendor });
      if (hostname && verdict === rules.verdicts[rules.unknown] && told.size < told.add(hostname).size)
        warn(`held as ${category}: ${hostname}. If the page needs it, name it in the notice: blocking.allow, or hosts of a vendor.`);
      return verdict;
    },
    later: (verdict, release) => void waiting.set(release, verdict),
    mine,
    trust,
  };

  return {
    mine,
    update(next) {
      now = next;
      hold.free = rules.verdicts.every((verdict) => !verdict || allows(now, verdict));
      if (!installed && !hold.free) {
        installed = true;
        for (const part of [elements, markup, network]) guard(part)(hold);
      }
      waiting.forEach((verdict, release) => {
        if (allows(now, verdict) && waiting.delete(release)) guard(release)();
      });
    },
  };
};
