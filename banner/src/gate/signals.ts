import type { Boot } from './types';

/** Global Privacy Control as the page sees it: `true` and nothing else counts (W3C GPC, "navigator.globalPrivacyControl"). */
export const gpc = (): boolean => (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true;

/** Do Not Track as the page sees it; whether it counts is the notice's decision, which boot `d` tells. */
export const dnt = (): boolean => navigator.doNotTrack === '1';

/** A signal is on and counts here. */
export const signalOn = (boot: Boot): boolean => gpc() || !!boot.g || !!boot.d;
