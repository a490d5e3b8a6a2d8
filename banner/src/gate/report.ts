import { categories, like, site, vendors } from 'volenti:notice';
import { dnt, gpc } from './signals';
import type { Action, Choices, Decision, Sent, Surface } from './types';

/** Waits between tries, in milliseconds. After the last one, the next page view or coming online tries again. */
const waits = [2e3, 1e4, 6e4];

/** Answers that refuse only this try (RFC 9110 § 15.5.9, RFC 8470 § 5.2, RFC 6585 § 4); any other 4xx is for good. */
const later = [408, 425, 429];

/** A decision as it is sent. Its id makes sending it twice the same as sending it once. */
export const draft = (token: string, choices: Choices, action: Action, surface: Surface, previous: string | undefined): Sent => {
  const said = (keys: readonly string[], from: number): Record<string, boolean> =>
    Object.fromEntries(
      keys.flatMap((key, i) => {
        const choice = choices[from + i];
        return choice === '-' || (!from && like[i] === 'n') ? [] : [[key, choice === '1']];
      }),
    );
  return {
    id: crypto.getRandomValues(new Uint32Array(4)).join('-'),
    token,
    categories: said(categories, 0),
    vendors: said(vendors.map((v) => v[0]), categories.length + 1),
    action,
    surface,
    at: Date.now(),
    gpc: gpc(),
    dnt: dnt(),
    previous,
  };
};

/** How the report reaches the decision in force, which may be another one when an answer comes. */
export interface Holder {
  get(): Decision | undefined;
  put(decision: Decision, receipt: string): void;
}

/**
 * Sends what is not answered yet, oldest first and one at a time, so that each names the receipt of the one before.
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
    let receipt: { id?: unknown; core?: { given_at: number; valid_until: number } } = {};
    try {
      const answer = await fetch(`${base}/v1/sites/${site}/decisions`, {
        method: 'POST',
        keepalive: true,
        credentials: 'include',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(sent),
      });
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
    const next = left[0];
    if (next) holder.put({ ...decision, p: [{ ...next, previous: id ?? next.previous }, ...left.slice(1)] }, '');
    else {
      // From now on the server's times count, as they do in its cookie: a clock that is fast must not outrank it.
      const { p: _, ...kept } = decision;
      const { given_at, valid_until } = receipt.core ?? {};
      holder.put({ ...kept, ...(id ? { r: id } : {}), a: Math.floor(given_at! / 1e3) || kept.a, u: Math.floor(valid_until! / 1e3) || kept.u }, text);
    }
    return send();
  };
  return send;
};
