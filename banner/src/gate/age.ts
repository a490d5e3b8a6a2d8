import { like } from 'volenti:notice';
import type { Boot, Choices, Decision } from './types';

// How old visitors say to be: compiled in only where a notice asks (VOLENTI.age).

/** How old whoever grants something here has to say to be: by the region, or else the notice's own. */
export const asked = ({ y }: Boot): number => y ?? VOLENTI.age;

/** Whether something optional is granted. */
export const grants = (c: Choices | undefined): boolean => [...(c ?? '')].some((choice, i) => choice === '1' && like[i] !== 'n');

/** A decision in which grants of somebody who has not confirmed the age that is asked here are open. The server says the same (server/visitor, "mature"). */
export const mature = (boot: Boot, decision: Decision): Decision =>
  (decision.y ?? 0) < asked(boot) ? { ...decision, c: decision.c.replace(/1/g, (one, i: number) => (like[i] === 'n' ? one : '_')) } : decision;
