import { list, word, type Adapter } from '../gate/adapter';
import type { Choices } from '../gate/types';

// Microsoft Advertising: https://help.ads.microsoft.com/#apex/ads/en/60119/1. Clarity is told apart.
/** Three items in one push, where Google wants one. */
const tell = (when: string, now: Choices): unknown => list('uetq').push('consent', when, { ad_storage: word(now, VOLENTI.at.uet) });

export const start: Adapter['start'] = (defaults) => tell('default', defaults);
export const change: Adapter['change'] = (now) => tell('update', now);
