import { ahead, granted, type Adapter } from '../gate/adapter';

// Pinterest Tag: https://help.pinterest.com/en/business/article/install-the-pinterest-tag
/** `false` stops events and removes Pinterest's first-party storage. */
export const start: Adapter['start'] = (now) => ahead('pintrk', 'queue', ['setconsent', granted(now, VOLENTI.at.pinterest)]);
export const change = start;
