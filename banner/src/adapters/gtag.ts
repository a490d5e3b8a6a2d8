import { granted, list, word, type Adapter } from '../gate/adapter';
import type { Choices } from '../gate/types';

// Google Consent Mode v2: https://developers.google.com/tag-platform/security/guides/consent
/** Only an `arguments` object is a command to Google's tags; an array would be a method call. */
const push = function (..._: unknown[]): void {
  // eslint-disable-next-line prefer-rest-params
  list('dataLayer').push(arguments);
};

/** Granted if everything that stands for the type is granted; a type that nothing stands for has an impossible place. */
const states = (now: Choices): Record<string, string | number> => Object.fromEntries(VOLENTI.google.map(([type, ...at]) => [type, word(now, at)]));

/** One `default` a page, before everything else. Where an inline stub gave it, this is the first `update`. */
export const start: Adapter['start'] = (defaults) => {
  push('consent', list('dataLayer').some((entry: unknown[]) => entry?.[0] === 'consent') ? 'update' : 'default', { ...states(defaults), wait_for_update: VOLENTI.googleWait });
  if (VOLENTI.googleRedact) push('set', 'ads_data_redaction', true);
  if (VOLENTI.googlePassthrough) push('set', 'url_passthrough', true);
};

/**
 * One `update` for the stored decision, and for each new one. Google Analytics runs on when it is told 'denied', and
 * sends without cookies: that is what the advanced mode is for. In the basic one it is switched off as well:
 * https://developers.google.com/analytics/devguides/collection/ga4/disable-analytics
 */
export const change: Adapter['change'] = (now) => {
  if (VOLENTI.googleBasic)
    for (const entry of list('dataLayer'))
      if (entry?.[0] === 'config') Reflect.set(window, 'ga-disable-' + String(entry[1]), !granted(now, VOLENTI.at.analytics));
  push('consent', 'update', states(now));
};
