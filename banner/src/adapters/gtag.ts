import type { Adapter } from '../gate/adapter';
import type { Choices } from '../gate/types';

// Google Consent Mode v2: https://developers.google.com/tag-platform/security/guides/consent
/**
 * Only an `arguments` object is a command to Google's tags; an array would be a method call. `dataLayer` is taken over
 * only if it is a list: an element of that id is none.
 */
const push = function (..._: unknown[]): void {
  const w = window as unknown as { dataLayer: unknown };
  if (!Array.isArray(w.dataLayer)) w.dataLayer = [];
  // eslint-disable-next-line prefer-rest-params
  (w.dataLayer as unknown[]).push(arguments);
};

/** Granted if every category that stands for the type is granted; a type that none stands for has an impossible one. */
const states = (now: Choices): Record<string, string | number> =>
  Object.fromEntries(VOLENTI.google.map(([type, ...of]) => [type, of.every((i) => now[i] === '1') ? 'granted' : 'denied']));

/** One `default` a page, before everything else; then one `update` for the stored decision and for each new one. */
export const gtag = {
  start(defaults) {
    push('consent', 'default', { ...states(defaults), wait_for_update: VOLENTI.googleWait });
    if (VOLENTI.googleRedact) push('set', 'ads_data_redaction', true);
    if (VOLENTI.googlePassthrough) push('set', 'url_passthrough', true);
  },
  change(now) {
    push('consent', 'update', states(now));
  },
} satisfies Adapter;
