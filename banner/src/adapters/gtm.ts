import { categories, vendors } from 'volenti:notice';
import { list, type Adapter } from '../gate/adapter';
import type { Choices } from '../gate/types';

// Google Tag Manager. Its consent checks read Consent Mode (gtag.ts), which comes first; tags that had to wait are fired
// by a trigger on the event `volenti_update`: https://support.google.com/tagmanager/answer/10718549
/** What may be, by key, as the data layer variable `volenti`: `volenti.categories.analytics`, `volenti.vendors.meta`. */
const tell = (event: string, now: Choices): void => {
  const by = (keys: readonly string[], from: number) => Object.fromEntries(keys.map((key, i) => [key, now[from + i] === '1']));
  const volenti = { categories: by(categories, 0), vendors: by(vendors.map((v) => v[0]), categories.length + 1) };
  list('dataLayer').push({ event, volenti });
};

export const start: Adapter['start'] = (defaults) => tell('volenti_default', defaults);
export const change: Adapter['change'] = (now) => tell('volenti_update', now);
