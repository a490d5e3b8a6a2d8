import { holders } from 'volenti:notice';
import type { Choices } from './types';

const ofVendors = (choices: Choices): string => choices.slice(choices.indexOf('.') + 1);

/** One character a vendor, '1' if it could load before, may not now, and holds something of which there is more to say. */
export const lost = (before: Choices, now: Choices): string =>
  [...holders].map((holds, i) => (holds === '1' && ofVendors(before)[i] === '1' && ofVendors(now)[i] === '0' ? '1' : '0')).join('');

/** The same over all decisions this browser remembers: vendors known before (`earlier`) stay until they may load again. */
export const held = (earlier: string | undefined, before: Choices, now: Choices): string =>
  [...lost(before, now)].map((is, i) => (is === '1' || (earlier?.[i] === '1' && ofVendors(now)[i] === '0') ? '1' : '0')).join('');
