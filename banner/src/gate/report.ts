import { categories, like } from 'volenti:notice';
import { post } from './send';
import type { Choices, Decision, Sent } from './types';

/** Waits between tries, in milliseconds. After the last one, the next page view or coming online tries again. */
const waits = [2e3, 1e4, 6e4];

/** Answers that refuse only this try (RFC 9110 § 15.5.9, RFC 8470 § 5.2, RFC 6585 § 4); any other 4xx is for good. */
const later = [408, 425, 429];

/** What of a receipt counts here. */
interface Core {
  readonly given_at: number;
  readonly valid_until: number;
  readonly refusals_until?: number;
  readonly models?: Readonly<Record<string, string>>;
}

/**
 * Choices as they may be taken to another region. A grant of what was on anyway, under opt-out, was never asked for: it
 * becomes "not asked", which changes nothing here and is no consent elsewhere; unless it was made against a signal. What
 * was left unanswered under opt-in is open, and so is off elsewhere, too. The server's cookie says the same.
 */
export const portable = (choices: Choices, models: Readonly<Record<string, string>>, signal?: unknown): Choices =>
  choices.replace(/[1-](?=.*\.)/g, (choice, i: number) => {
    const optIn = models[categories[i]!] === 'opt-in';
    if (like[i] === 'n' || optIn === (choice === '1')) return choice;
    return optIn ? '_' : signal && choice === '1' ? choice : '-';
  });

/** How the report reaches the decision in force, which may be another one when an answer comes. */
export interface Holder {
  get(): Decision | undefined;
  put(decision: Decision, receipt: string): void;
  /** Forgets the decision for the pages to come. */
  drop(): void;
  /** The answer to a decision that is on its way already; undefined for any other, and the second time. */
  answer(sent: Sent): Promise<Response> | undefined;
}

/**
 * Sees to it that every decision is answered, oldest first and one at a time, so that each names the receipt of the one before.
 * Returns how to make it try now. It never throws and nothing waits for it.
 */
export const report = (base: string, holder: Holder): (() => Promise<void>) => {
  let busy = false;
  let tries = 0;
  const send = async (): Promise<void> => {
    const sent = holder.get()?.p?.[0];
    if (busy || !sent) return;
    busy = true;
    let done = false;
    let text = '';
    let receipt: { id?: unknown; core?: Core } = {};
    try {
      const answer = await (holder.answer(sent) ?? post(base, sent));
      const { status } = answer;
      done = status > 399 && status < 500 && !later.includes(status);
      if (status === 201) {
        text = await answer.text();
        receipt = JSON.parse(text) as typeof receipt;
        done = typeof receipt.id === 'string';
      }
    } catch {
      // No server, or no answer of ours: as good as not sent.
    }
    busy = false;
    const decision = holder.get();
    if (!done || !decision) {
      if (tries < waits.length) setTimeout(send, waits[tries++]);
      return;
    }
    tries = 0;
    const left = decision.p?.filter((other) => other.id !== sent.id) ?? [];
    const id = receipt.id as string | undefined;
    // A note that was read replaces no decision: none names it, and it leaves the decision in force as it is.
    const isNote = ({ surface }: Sent): boolean => surface === 'change';
    const { p: _, ...kept } = decision;
    const p = left.map((next, i) => (i || isNote(sent) || isNote(next) ? next : { ...next, previous: id ?? next.previous }));
    const more = p.length ? { p } : {};
    if (isNote(sent) || !left.every(isNote)) holder.put({ ...kept, ...more }, '');
    else {
      // From now on the server's times count, as they do in its cookie: a clock that is fast must not outrank it.
      const { given_at, valid_until, refusals_until, models } = receipt.core ?? {};
      const { w: _, ...rest } = kept;
      holder.put(
        {
          ...(given_at ? rest : kept),
          ...(id ? { r: id } : {}),
          ...(models ? { c: portable(kept.c, models, kept.s) } : {}),
          a: Math.floor(given_at! / 1e3) || kept.a,
          u: Math.floor(valid_until! / 1e3) || kept.u,
          ...(refusals_until ? { w: Math.floor(refusals_until / 1e3) } : {}),
          ...more,
        },
        text,
      );
      // What was granted and can't be shown to have been (GDPR Art. 7(1)) holds for this page, and the next one asks again.
      if (!id && [...kept.c].some((choice, i) => choice === '1' && like[i] !== 'n')) holder.drop();
    }
    return send();
  };
  return send;
};
