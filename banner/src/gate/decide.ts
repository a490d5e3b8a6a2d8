import { categories, like, notice, unasked, vendors } from 'volenti:notice';
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

/** What the decision says of one category or vendor: all that `Choices` has no character for was not asked. */
const said = (decision: Decision | undefined, index: number): string => decision?.c[index] ?? '-';

/** Whether text has the form of this notice's choices. */
export const isChoices = (text: unknown): text is Choices => typeof text === 'string' && text.replace(/[01]/g, '-') === unasked.replace(/1/g, '-');

/**
 * Resolves a decision to what may load now. A refusal always counts. A grant counts unless the law asks for opt-in and
 * it was only implied, or a signal is on that was not there when it was given. What was not asked follows the law:
 * opt-in off, everything else on, marketing off under a signal. A model that can't be read is opt-in.
 */
export const resolve = (boot: Boot, decision: Decision | undefined, signal: boolean): Choices => {
  const judge = (choice: string, category: number): string => {
    const optIn = !'on-'.includes(boot.m[category] ?? 'i');
    const granted =
      choice !== '0' &&
      !(signal && like[category] === 'm' && !(choice === '1' && decision?.s)) &&
      (choice === '1' ? !(optIn && decision?.e === 'i') : !optIn);
    return granted || like[category] === 'n' ? '1' : '0';
  };
  const ofCategory = categories.map((_, i) => judge(said(decision, i), i));
  const ofVendor = vendors.map(([, category], i) => {
    const own = said(decision, categories.length + 1 + i);
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
  const same = kept?.c === boot.c;
  const local = kept && isChoices(kept.c) && kept.n === notice && kept.u > time && !(kept.a <= boot.x!) ? kept : undefined;
  const { c, a = 0, u = 0, s = 0 } = boot;
  if (!isChoices(c) || u <= time || !(seen || same) || (local && (local.a > a || same))) return local;
  return { v: 1, c, n: notice, a, u, s, e: 'e', ...(same && kept?.r ? { r: kept.r } : {}) };
};

/** The judgement. The same inputs give the same Outcome. */
export const decide = (boot: Boot, decision: Decision | undefined, signal: boolean): Outcome => {
  const asked = categories.map((_, i) => like[i] !== 'n' && boot.m[i] !== '-' ? (boot.m[i] ?? 'i') : '');
  const open = (model: string, i: number): boolean =>
    // Opt-in wants an answer to each question; the other laws are content with having told.
    model === 'o' || model === 'n' ? !decision : model !== '' && (said(decision, i) === '-' || (said(decision, i) === '1' && decision?.e === 'i'));
  const optOut = !decision && signal && !asked.some((m) => m && m !== 'o' && m !== 'n') && asked.some((m, i) => m === 'o' && like[i] === 'm');
  return {
    decision,
    now: resolve(boot, decision, signal),
    ask: asked.some(open),
    signal: optOut ? unasked.replace(/-/g, (open, i: number) => (like[i] === 'm' ? '0' : open)) : undefined,
  };
};
