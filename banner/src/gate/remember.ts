import { isChoices } from './decide';
import { guard, page } from './page';
import type { Decision } from './types';

const name = 'volenti';

/** Reads a decision from text that may be anything; undefined unless every member is what it has to be. */
export const parse = (text: unknown): Decision | undefined => {
  try {
    const d = { __proto__: null, ...(JSON.parse(text as string) as Decision) };
    return d.v === 1 && isChoices(d.c) && typeof d.n === 'string' && Number.isFinite(d.a) && Number.isFinite(d.u) ? d : undefined;
  } catch {
    return undefined;
  }
};

/** The decision this browser keeps, if it keeps one and lets us read it. */
export const read = (): Decision | undefined => {
  try {
    return parse(localStorage.getItem(name));
  } catch {
    return undefined;
  }
};

/** Whether there is a cookie of ours. What it says is the server's to read: here it is a hint that nothing was cleared. */
export const hasCookie = (): boolean => {
  try {
    return page.cookie.split('; ').some((c) => c.startsWith(name + '='));
  } catch {
    return false;
  }
};

let channel: BroadcastChannel | undefined;

/** Keeps a decision and tells the other tabs of this site. */
export const write = (decision: Decision): void => {
  const text = JSON.stringify(decision);
  guard(() => localStorage.setItem(name, text))();
  guard(() => channel?.postMessage(text))();
};

/** Calls back with what another tab decides. Two ways, because either may be switched off in a browser. */
export const follow = (call: (decision: Decision) => void): void => {
  const hear = (text: unknown): void => {
    const decision = parse(text);
    if (decision) call(decision);
  };
  addEventListener('storage', guard((e: StorageEvent) => e.key === name && hear(e.newValue)));
  guard(() => {
    channel = new BroadcastChannel(name);
    channel.onmessage = guard((e: MessageEvent) => hear(e.data));
  })();
};
