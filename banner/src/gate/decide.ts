import { categories, like, notice, unasked, validity, vendors } from 'volenti:notice';
import { asked, mature } from './age';
import type { Boot, Choices, Decision } from './types';

/** What follows from what is known: docs/wire.md says where each of it comes from. */
export interface Outcome {
  /** In force; undefined: never asked, expired, outdated or unreadable. */
  readonly decision: Decision | undefined;
  /** What may load now: '1' or '0' for each category and each vendor. */
  readonly now: Choices;
  /** Whether the visitor must be asked. */
  readonly ask: boolean;
  /** The decision that the signal makes on the visitor's behalf (opt-out law, nothing decided yet). */
  readonly signal: Choices | undefined;
}

/** The same answer for every category but the necessary ones; no vendor is set apart. '-' answers nothing. */
export const all = (answer: '1' | '0' | '-'): Choices => unasked.replace(/-(?=.*\.)/g, answer);

/** Whether the law asks first. A model that can't be read does. */
const strict = (boot: Boot, category: number): boolean => !'on-'.includes(boot.m[category] ?? 'i');

/** Where a vendor stands in choices. */
export const at = (vendor: number): number => categories.length + 1 + vendor;

/** What the decision says of one category or vendor: all that `Choices` has no character for was not asked. */
const said = (decision: Decision | undefined, index: number): string => decision?.c[index] ?? '-';

/** Whether text has the form of this notice's choices. */
export const isChoices = (text: unknown): text is Choices => typeof text === 'string' && text.replace(/[01_]/g, '-') === unasked.replace(/1/g, '-');

/**
 * Resolves a decision to what may load now. A refusal always counts. A grant counts unless the law asks for opt-in and
 * it was only implied, or a signal is on that was not there when it was given. What is open is off. What was not asked
 * follows the law: opt-in off, everything else on, marketing off under a signal.
 */
export const resolve = (boot: Boot, decision: Decision | undefined, signal: boolean): Choices => {
  const judge = (choice: string, category: number): string => {
    const optIn = strict(boot, category);
    const granted =
      !'0_'.includes(choice) &&
      !(signal && like[category] === 'm' && !(choice === '1' && decision?.s)) &&
      (choice === '1' ? !(optIn && decision?.e === 'i') : !optIn);
    return granted || like[category] === 'n' ? '1' : '0';
  };
  const ofCategory = categories.map((_, i) => judge(said(decision, i), i));
  const ofVendor = vendors.map(([, category], i) => {
    const own = said(decision, at(i));
    return own === '-' ? ofCategory[category] : judge(own, category);
  });
  return ofCategory.join('') + '.' + ofVendor.join('');
};

/**
 * Which of two decisions is in force: the one that the server baked into its answer, or the one that the page keeps.
 * `seen`: there is a cookie of ours, or the answer can't be a cached one. Without it a baked decision counts only
 * where the page keeps the same: a cached answer must not outlive cookies that were cleared. `clock` in Unix seconds.
 */
export const inForce = (boot: Boot, kept: Decision | undefined, seen: boolean, clock: number): Decision | undefined => {
  const time = Math.max(clock, boot.n);
  const mine = kept && isChoices(kept.c) ? lapse(VOLENTI.age ? mature(boot, kept) : kept, time) : undefined;
  const { a = 0, u = 0, s = 0 } = boot;
  const baked = isChoices(boot.c) ? lapse({ v: 1, c: boot.c, n: notice, a, u, s, e: 'e', w: boot.w! }, time) : undefined;
  const same = mine?.c === baked?.c;
  const local = mine && mine.n === notice && mine.u > time && !(mine.a <= boot.x!) ? mine : undefined;
  const k = Math.max(mine ? (mine.k ?? mine.a) : 0, baked ? (boot.k ?? a) : 0);
  if (!baked || baked.u <= time || !(seen || same) || (local && (local.a > a || same))) return local && { ...local, k };
  const r = (same ? mine?.r : undefined) ?? boot.i;
  return { ...baked, k, ...(r ? { r } : {}), ...(VOLENTI.age ? { y: asked(boot) } : {}) };
};

/** What of a decision is left when its grants have ended and its refusals have not: what was granted is open again. */
const lapse = (decision: Decision, clock: number): Decision =>
  decision.u <= clock && decision.w! > clock
    ? { ...decision, c: decision.c.replace(/1/g, (one, i: number) => (like[i] === 'n' ? one : '_')), u: decision.w! }
    : decision;

/** A month of 30 days, so that a page never believes a decision longer than the server does. */
const month = 2592000;

/**
 * Until when a decision of that moment counts: the notice's time for what it grants, at least the law's for what it
 * refuses (`w`, where that is longer). The server says the same (server/consent, "hold").
 */
export const hold = (boot: Boot, c: Choices, a: number): { readonly u: number; readonly w?: number } => {
  const has = (choice: string): boolean => [...c].some((x, i) => x === choice && like[i] !== 'n');
  const u = a + validity;
  const w = a + Math.max(validity, (boot.r ?? 0) * month);
  return !has('0') || (has('1') && w === u) ? { u } : has('1') ? { u, w } : { u: w };
};

/** The judgement. The same inputs give the same Outcome. */
export const decide = (boot: Boot, decision: Decision | undefined, signal: boolean): Outcome => {
  const asked = categories.map((_, i) => like[i] !== 'n' && boot.m[i] !== '-');
  const open = places(boot, decision).length > 0;
  const optOut = signal && !decision && !open && asked.some((is, i) => is && boot.m[i] === 'o' && like[i] === 'm');
  return {
    decision,
    now: resolve(boot, decision, signal),
    // Opt-in wants an answer to each question; the other laws are content with having told.
    ask: open || (!decision && asked.includes(true)),
    signal: optOut ? unasked.replace(/-/g, (open, i: number) => (like[i] === 'm' ? '0' : open)) : undefined,
  };
};

/** Where choices hold no answer, or none that counts, to what the law asks first: categories, and vendors that joined one that was granted. */
export const places = (boot: Boot, decision: Decision | undefined): number[] => {
  const open = categories.flatMap((_, i) => {
    const choice = said(decision, i);
    return like[i] !== 'n' && boot.m[i] !== '-' && strict(boot, i) && ('-_'.includes(choice) || (choice === '1' && decision?.e === 'i')) ? [i] : [];
  });
  vendors.forEach(([, category], i) => strict(boot, category) && said(decision, at(i)) === '_' && !open.includes(category) && open.push(at(i)));
  return open;
};
