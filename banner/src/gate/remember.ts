import { isChoices } from './decide';
import { attempt, guard, page } from './page';
import type { Decision } from './types';

/** Of the entry in localStorage, and of the cookie. */
export const name = 'volenti';

/** Reads a decision from text that may be anything; undefined unless every member is what it has to be. */
export const parse = (text: unknown): Decision | undefined =>
  attempt(() => {
    const d = { __proto__: null, ...(JSON.parse(text as string) as Decision) };
    return d.v === 1 && isChoices(d.c) && Number.isFinite(d.a) && Number.isFinite(d.u) ? d : undefined;
  });

/** The decision this browser keeps, if it keeps one and lets us read it. */
export const read = (): Decision | undefined => attempt(() => parse(localStorage.getItem(name)));

/** Whether there is a cookie of ours. What it says is the server's to read: here it is a hint that nothing was cleared. */
export const hasCookie = (): boolean => !!attempt(() => /(^|; )volenti=/.test(page.cookie));

/** Keeps a decision. Other tabs of this site hear of it by the storage event. */
export const write = (decision: Decision): void => guard(() => localStorage.setItem(name, JSON.stringify(decision)))();

/** Keeps nothing any more. */
export const forget = (): void => guard(() => localStorage.removeItem(name))();

/** Calls back with what another tab decides; returns how to tell them. Two ways, because either may be switched off in a browser. */
export const follow = (call: (decision: Decision) => void): ((decision: Decision) => void) => {
  let channel: BroadcastChannel | undefined;
  const hear = (text: unknown): void => {
    const decision = parse(text);
    if (decision) call(decision);
  };
  addEventListener('storage', guard((e: StorageEvent) => e.key === name && hear(e.newValue)));
  guard(() => {
    channel = new BroadcastChannel(name);
    channel.onmessage = guard((e: MessageEvent) => hear(e.data));
  })();
  return guard((decision: Decision) => channel?.postMessage(JSON.stringify(decision)));
};
