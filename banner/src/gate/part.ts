import { categories, like, unasked, vendors } from 'volenti:notice';
import { at, hold, places, resolve } from './decide';
import type { Boot, Choices, Decision } from './types';

// What only matters to somebody who has decided before: it is in the gate's module, and in no first script.

/** Whether a place in choices is, or is of, a category like marketing. */
const marketing = (i: number): boolean => like[i < categories.length ? i : (vendors[i - categories.length - 1]?.[1] ?? -1)] === 'm';

/**
 * What is still to be asked for, as places in choices, where the rest was decided. Empty where nothing is open, and where
 * everything is: then the whole is asked, and not a part of it.
 */
export const part = (boot: Boot, decision: Decision | undefined): readonly number[] => {
  const open = places(boot, decision);
  const answered = categories.some((_, i) => like[i] !== 'n' && boot.m[i] !== '-' && !open.includes(i) && '01'.includes(decision?.c[i] ?? '-'));
  return answered ? open : [];
};

/** Answers what is open, and nothing else. */
export const fill = (c: Choices, open: readonly number[], choice: '1' | '0'): Choices => {
  const next = [...c];
  for (const i of open) next[i] = choice;
  // A vendor says the same as its category by saying nothing.
  vendors.forEach(([, category], i) => (next[at(i)] === next[category] || (next[at(i)] === '_' && open.includes(category))) && (next[at(i)] = '-'));
  return next.join('');
};

/**
 * What a decision about one thing begins with: what was decided, but for grants that a signal overrules. They must not
 * come back as if they had been given under it.
 */
export const standing = (decision: Decision | undefined, signal: boolean): Choices =>
  (decision?.c ?? unasked).replace(/1/g, (one, i: number) => (signal && !decision?.s && marketing(i) ? '_' : one));

/** Until when such a decision counts: what was granted before is not prolonged by an answer to something else. */
export const holdPart = (boot: Boot, c: Choices, a: number, before: Decision): { readonly u: number; readonly w?: number } => {
  const { u, w } = hold(boot, c, a);
  const kept = [...c].some((choice, i) => choice === '1' && before.c[i] === '1' && like[i] !== 'n');
  if (!kept || before.u <= a || before.u >= u) return w ? { u, w } : { u };
  return c.includes('0') ? { u: before.u, w: w ?? u } : { u: before.u };
};

/**
 * What a signal makes of a decision that was not made under it, where it is an opt-out: by an opt-out law, or one that
 * makes GPC binding (boot `b`). Undefined where it changes nothing. Elsewhere it holds as long as it is on, and is no
 * decision.
 */
export const overrule = (boot: Boot, decision: Decision): Choices | undefined => {
  const without = resolve(boot, decision, false);
  const now = resolve(boot, decision, true);
  const c = [...decision.c];
  let any = false;
  categories.forEach((_, i) => {
    if (decision.s || like[i] !== 'm' || !(boot.m[i] === 'o' || boot.b)) return;
    const mine = vendors.flatMap((v, j) => (v[1] === i ? [at(j)] : []));
    any = any || [i, ...mine].some((x) => without[x] === '1' && now[x] === '0');
    c[i] = '0';
    for (const x of mine) c[x] = '-';
  });
  return any ? c.join('') : undefined;
};

/** Choices, with nothing like marketing any more: its vendors go with their category. */
export const without = (c: Choices): Choices =>
  [...c].map((choice, i) => (marketing(i) ? (i < categories.length ? '0' : '-') : choice)).join('');

/** A signal is on and marketing is off: what may be said of an opt-out that was honored (11 CCR 7025(c)(6)). */
export const honored = ({ now, signal }: { readonly now: Choices; readonly signal: boolean }): boolean =>
  signal && ![...now].some((x, i) => x === '1' && marketing(i));
