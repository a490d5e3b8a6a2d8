import { notice, origins } from 'volenti:notice';
import { asked, grants } from './age';
import type { Core } from './core';
import { isChoices } from './decide';
import { guard, page, warn } from './page';
import { write } from './remember';
import { draft, post } from './send';
import type { Decision, Sent } from './types';

// One decision for several domains of one controller: compiled in only where a notice says so (VOLENTI.share).

/** How long a hand-over is used again, in milliseconds; the server takes it for longer. */
const fresh = 9e4;

type Link = HTMLAnchorElement | HTMLAreaElement;

/** The link of an event that leads to another of the notice's hosts. Cookies know no ports. */
const elsewhere = (e: Event): Link | undefined => {
  const link = e.composedPath().find((el): el is Link => el instanceof HTMLAnchorElement || el instanceof HTMLAreaElement);
  return link && link.hostname !== location.hostname && origins.includes(link.origin) ? link : undefined;
};

/**
 * Adds a hand-over to links that lead to another domain, when they are followed: by mouse, by keyboard, into a tab of
 * their own. It is fetched ahead, so that no link waits for it; without one in time the link is what it was.
 */
export const depart = ({ gate, head: { base } }: Core): void => {
  /** By origin: the receipt it is of, since when, and the hand-over, '' if there is none. */
  const ahead = new Map<string, readonly [receipt: string, at: number, token: string]>();
  const known = (to: string): string | undefined => {
    const { r, p } = gate.decision ?? {};
    const [receipt, at, token] = ahead.get(to) ?? [];
    return r && !p && receipt === r && Date.now() - at! < fresh ? token : undefined;
  };

  const prepare = async (to: string): Promise<void> => {
    const { r, p } = gate.decision ?? {};
    if (!r || p || known(to) !== undefined) return;
    const at = Date.now();
    ahead.set(to, [r, at, '']);
    try {
      const answer = await fetch(`${base}/v1/sites/${VOLENTI.site}/handover?to=${encodeURIComponent(to)}`, { credentials: 'include' });
      const { token } = (answer.status === 200 ? await answer.json() : {}) as { token?: string };
      // The cookie may remember another decision than this page does.
      if (token?.split('.')[2] === r) ahead.set(to, [r, at, token]);
    } catch (e) {
      ahead.delete(to);
      warn(e);
    }
  };

  const on = (types: readonly string[], call: (link: Link) => void): void => {
    for (const type of types)
      page.addEventListener(
        type,
        guard((e: Event) => {
          const link = elsewhere(e);
          if (link) call(link);
        }),
        true,
      );
  };
  on(['pointerdown', 'focusin'], (link) => void prepare(link.origin));
  on(['click', 'auxclick'], (link) => {
    const token = known(link.origin);
    // What follows ":~:" is the browser's, and reaches no page.
    if (!token || link.hash.includes(':~:')) return;
    const href = link.getAttribute('href')!;
    link.hash = `${link.hash && link.hash + '&'}volenti=${token}`;
    // The browser has read it by then; whoever copies the link later gets what the site wrote.
    setTimeout(() => link.setAttribute('href', href));
  });
};

/**
 * Makes the decision here that was handed over. Nothing is put in force before the server has found it genuine and
 * recorded it: what stands in an address anybody may have written.
 */
export const takeOver = async (core: Core): Promise<void> => {
  const { boot, base, signal, handed } = core.head;
  const { turn } = core;
  const part = handed![0].split('.');
  const c = (part[6] ?? '').replace('~', '.');
  const a = +part[4]!;
  const { decision } = core.gate;
  // The newer of two decisions counts.
  if (!isChoices(c) || !(a > (decision?.a ?? 0)) || c === decision?.c) return;
  const sent: Sent = { ...draft(boot, c, 'share', 'share', undefined), handover: handed![0] };
  const answer = await post(base, sent);
  // Somebody may have decided here meanwhile, and that is newer.
  if (answer.status !== 201 || core.turn !== turn) return;
  const { basis } = ((await answer.clone().json()) as { core: { basis: string } }).core;
  const next: Decision = {
    v: 1,
    c,
    n: notice,
    a,
    ...core.hold(c, a),
    k: boot.n,
    ...(VOLENTI.age ? { y: grants(c) ? asked(boot) : 0 } : {}),
    s: signal ? 1 : 0,
    e: basis === 'explicit' ? 'e' : 'i',
    p: [sent],
  };
  write(next);
  // It is answered already: how long it counts, and its receipt, are taken from there like any other's.
  core.sent = [sent, Promise.resolve(answer)];
  core.apply(next);
};
