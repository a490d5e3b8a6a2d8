import { none } from 'volenti:notice';
import type { VolentiCommand } from '../../volenti';
import { own, type Adapter } from './adapter';
import type { Block } from './hold';
import { decide, inForce, resolve, type Outcome } from './decide';
import { guard, page } from './page';
import { take, type Handed } from './handed';
import { hasCookie, read } from './remember';
import { sent, signalOn } from './signals';
import { createTrust, type Trust } from './trust';
import type { Boot, Choices } from './types';

/**
 * What stands first in <head> hands to the gate. The two are compiled apart, so no name in here may be mangled.
 */
export interface Head {
  readonly boot: Boot;
  /** Address of the script, without what makes it fresh. */
  readonly src: string;
  readonly base: string;
  readonly nonce: string;
  /** The script was asked for just now: its answer is no cached one. */
  readonly fresh: boolean;
  readonly signal: boolean;
  readonly trust: Trust;
  /** What may load as far as this script can tell; adapters begin with it. */
  readonly now: Choices;
  /** A decision made on another domain of the controller (VOLENTI.share). */
  readonly handed?: Handed | undefined;
  /** Holds what nobody marked; only in a page where something may not load. */
  block?: Block;
}

/** window.volenti before the gate is there: the page's queue, whose methods queue themselves. */
export type Queue = VolentiCommand[] & Partial<Record<VolentiCommand[0], (...args: unknown[]) => unknown>>;

/** window.volenti as a script set it. */
export const found = (): unknown => own('volenti');

export const publish = (value: unknown): void => {
  (window as { volenti?: unknown }).volenti = value;
};

/**
 * Tells the adapters, before any tag can run, what the law says or, where the visitor has decided, what that allows: tags
 * that nobody marked run before the gate does. Undefined if the script stands in the page twice.
 *
 * The script's own element is found by the getter of the document's class, which can't be clobbered: it is the element
 * that runs, so nothing that stands in the page can pose as our configuration.
 */
export const createHead = (served: Boot, adapters: readonly Adapter[]): Head | undefined => {
  // Members of a polluted Object.prototype are none of the boot's.
  const boot = { __proto__: null, ...served } as Boot & { readonly head?: Head };
  const signal = signalOn(boot);
  const now = VOLENTI.surface ? resolve(boot, undefined, signal) : known(boot, signal);
  if (VOLENTI.surface && boot.head) {
    // A pinned script (entry/pinned.ts) was here first: it has told them the strictest law, and holds all that it can.
    for (const adapter of adapters) guard(adapter.change)(now);
    return { ...boot.head, boot, signal, now };
  }
  const script = page.currentScript as HTMLScriptElement;
  const src = script.src.replace(/.fresh=\d+$/, '');
  const fresh = src !== script.src;
  const queue = (found() ?? []) as Queue;
  if (!Array.isArray(queue) || (queue.on && !fresh)) return undefined;
  if (!queue.on) for (const adapter of adapters) guard(adapter.start)(now);
  for (const method of 'on off show hide acceptAll rejectAll set withdraw'.split(' ') as VolentiCommand[0][]) queue[method] = (...args) => void queue.push([method, ...args]);
  queue.receipt = () => new Promise((done) => queue.push(['receipt', done]));
  publish(queue);
  return { boot, now, src, base: src.replace(/\/b\/[\w-]+\.js.*/, ''), nonce: script.nonce, fresh, signal, trust: createTrust(), ...(VOLENTI.share ? { handed: take() } : {}) };
};

/**
 * What may load by the server's answer, for scripts that leave the judgement to the gate: nothing where it is not the answer
 * for what this browser keeps (it may be a cached one), or where a signal is on that only the page has.
 */
export const known = (boot: Boot, signal: boolean): Choices => {
  try {
    if ((!signal || sent(boot)) && localStorage.volenti.includes(`"c":"${boot.c}"`)) return boot.q ?? none;
  } catch {
    // Nothing is kept, or can't be read.
  }
  return none;
};

/** The judgement, with what this browser keeps. */
export const judge = ({ boot, fresh, signal }: Head): Outcome =>
  decide(boot, inForce(boot, read(), fresh || hasCookie(), Date.now() / 1e3), signal);
