import { googlePassthrough, googleRedact, googleWait, like } from 'volenti:notice';
import type { Adapter } from '../gate/adapter';
import type { Choices } from '../gate/types';

// Google Consent Mode v2: https://developers.google.com/tag-platform/security/guides/consent
const types: readonly (readonly [letter: string, ...types: string[]])[] = [
  ['m', 'ad_storage', 'ad_user_data', 'ad_personalization'],
  ['a', 'analytics_storage'],
  ['p', 'functionality_storage', 'personalization_storage'],
  ['n', 'security_storage'],
];

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

/** Granted if every category of that letter is; a type that no category stands for is denied, except security. */
const states = (now: Choices): Record<string, string | number> =>
  Object.fromEntries(
    types.flatMap(([letter, ...names]) => {
      const granted = letter === 'n' || (like.includes(letter) && ![...like].some((l, i) => l === letter && now[i] !== '1'));
      return names.map((name) => [name, granted ? 'granted' : 'denied']);
    }),
  );

/** One `default` a page, before everything else; then one `update` for the stored decision and for each new one. */
export const gtag = {
  start(defaults) {
    push('consent', 'default', { ...states(defaults), wait_for_update: googleWait });
    if (googleRedact) push('set', 'ads_data_redaction', true);
    if (googlePassthrough) push('set', 'url_passthrough', true);
  },
  change(now) {
    push('consent', 'update', states(now));
  },
} satisfies Adapter;
