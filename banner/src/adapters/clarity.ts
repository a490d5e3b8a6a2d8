import { queue, word, type Adapter } from '../gate/adapter';

// Microsoft Clarity: https://learn.microsoft.com/en-us/clarity/clarity-consent-api-v2
/** With a capital S, unlike Google's. Without consent it sets no cookies, and takes back those that it had set. */
export const start: Adapter['start'] = (now) =>
  queue('clarity')('consentv2', { ad_Storage: word(now, VOLENTI.at.marketing), analytics_Storage: word(now, VOLENTI.at.clarity) });
export const change = start;
