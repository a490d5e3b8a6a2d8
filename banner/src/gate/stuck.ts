import { categories, reloads, vendors } from 'volenti:notice';
import { rules } from 'volenti:rules';
import type { Core } from './core';
import { page } from './page';
import { createJudge } from './rules';
import { marks } from './tags';

/** Addresses of the scripts that this page has fetched: those that stand in it, and those the browser remembers. */
const fetched = (): string[] => [
  ...[...page.querySelectorAll<HTMLScriptElement>('script[src]')].map((script) => script.src),
  ...(performance.getEntriesByType('resource') as PerformanceResourceTiming[]).filter((e) => e.initiatorType === 'script').map((e) => e.name),
];

/** Vendors of scripts by their addresses: those that nobody marked, where nothing held them, are known by nothing else. */
const byAddress = (base: string): (string | undefined)[] => {
  const judge = createJudge(rules, `${location.hostname} ${new URL(base).hostname}`);
  return fetched().map((src) => rules.verdicts[judge(new URL(src, page.baseURI))]?.[1]);
};

/**
 * Whether a tag ran in this page whose vendor may not load any more, and that nothing unloads: one that is marked, or one
 * that only its address tells of.
 */
export const stuck = ({ ran, gate, head }: Core): 'marked' | 'unmarked' | undefined => {
  const shut = reloads.filter((vendor) => gate.now[categories.length + 1 + vendor] === '0').map((vendor) => vendors[vendor]![0]);
  if (VOLENTI.blocking && byAddress(head.base).some((key) => shut.includes(key!))) return 'unmarked';
  return [...ran!].some((el) => shut.includes(vendors[marks(el)?.vendor ?? -1]?.[0] ?? '')) ? 'marked' : undefined;
};
