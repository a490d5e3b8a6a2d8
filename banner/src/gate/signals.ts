import type { Boot } from './types';

/** Global Privacy Control as the page sees it: `true` and nothing else counts (W3C GPC, "navigator.globalPrivacyControl"). */
export const gpc = (): boolean => (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true;

/** Do Not Track as the page sees it; whether it counts is the notice's decision. */
export const dnt = (): boolean => navigator.doNotTrack === '1';

/** A signal came with the request. */
export const sent = ({ g, d, o }: Boot): boolean => !!(g || d || o);

/** A signal is on and counts here: GPC always does, DNT where the notice takes it for an opt-out. */
export const signalOn = (boot: Boot): boolean => sent(boot) || (VOLENTI.dnt === 'opt-out' ? gpc() || dnt() : gpc());
