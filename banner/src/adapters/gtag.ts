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

/** One `default` a page, before everything else. An inline stub, or a container that runs already, was told one before us. */
export const start: Adapter['start'] = (defaults) => {
  const told = [...list('dataLayer')].some((entry) => entry?.[0] === 'consent' || entry?.event === 'gtm.js');
  push('consent', told ? 'update' : 'default', { ...states(defaults), wait_for_update: VOLENTI.googleWait });
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
