import { granted, type Adapter } from '../gate/adapter';

/** Plausible reads this entry before each event: https://plausible.io/docs/excluding-localstorage */
const entry = 'plausible_ignore';

/** It has nothing to be told before its tag is there. */
export const start: Adapter['start'] = () => {};

/** What is kept after a refusal is what it takes to heed it. */
export const change: Adapter['change'] = (now) =>
  granted(now, VOLENTI.at.plausible) ? localStorage.removeItem(entry) : localStorage.setItem(entry, 'true');
