import { ahead, granted, type Adapter } from '../gate/adapter';

/** Reddit Pixel can be told of cookies only; what it sends no call can stop, only its tag not being there. */
export const start: Adapter['start'] = (now) =>
  ahead('rdt', 'callQueue', [`${granted(now, VOLENTI.at.reddit) ? 'en' : 'dis'}ableFirstPartyCookies`]);
export const change = start;
