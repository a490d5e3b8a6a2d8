import type { VolentiState } from '../../volenti';
import { keyed } from './keyed';
import type { Gate } from './types';

/** What window.volenti and its events tell: volenti.d.ts. */
export const state = ({ decision, now, signal }: Gate): VolentiState => ({
  decided: !!decision,
  ...keyed((i) => now[i] === '1'),
  signal,
  ...(decision?.r ? { receipt: decision.r } : {}),
});
