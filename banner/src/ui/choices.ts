import { like, vendors } from 'volenti:notice';
import type { Choices } from '../gate/types';

/** The same answer for every category but the necessary ones; no vendor is set apart. '-' is an answer to nothing. */
export const all = (answer: '1' | '0' | '-'): Choices =>
  like.replace(/[^n]/g, answer).replace(/n/g, '1') + '.' + '-'.repeat(vendors.length);
