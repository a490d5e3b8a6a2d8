import type { VolentiCommand } from '../../volenti';
import type { Adapter } from './adapter';
import type { Block } from './block';
import { decide, inForce, resolve, type Outcome } from './decide';
import { guard, page } from './page';
import { take, type Handed } from './handed';
import { hasCookie, read } from './remember';
import { signalOn } from './signals';
import { createTrust, type Trust } from './trust';
import type { Boot } from './types';

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
  /** A decision made on another domain of the controller (VOLENTI.share). */
  readonly handed?: Handed | undefined;
  /** Holds what nobody marked; only in a page where something may not load. */
  block?: Block;
}

/** window.volenti before the gate is there: the page's queue, with a mark of the script that will run it. */
export type Queue = VolentiCommand[] & { $?: 1 };

/** window.volenti as a script set it. An element of that id is not: those are found on the prototype. */
export const found = (): unknown => Object.getOwnPropertyDescriptor(window, 'volenti')?.value;

export const publish = (value: unknown): void => {
  (window as { volenti?: unknown }).volenti = value;
};

/**
 * Tells the adapters what the law says, before any tag can run. Undefined if the script stands in the page twice.
 *
 * The script's own element is found by the getter of the document's class, which can't be clobbered: it is the element
 * that runs, so nothing that stands in the page can pose as our configuration.
 */
export const createHead = (served: Boot, adapters: readonly Adapter[]): Head | undefined => {
  // Members of a polluted Object.prototype are none of the boot's.
  const boot = { __proto__: null, ...served } as Boot & { readonly head?: Head };
  const signal = signalOn(boot);
  const law = resolve(boot, undefined, signal);
  if (VOLENTI.surface && boot.head) {
    // A pinned script (entry/pinned.ts) was here first: it has told them the strictest law, and holds all that it can.
    for (const adapter of adapters) guard(adapter.change)(law);
    return { ...boot.head, boot, signal };
  }
  const own = page.currentScript as HTMLScriptElement;
  const src = own.src.replace(/.fresh=\d+$/, '');
  const fresh = src !== own.src;
  const queue = (found() ?? []) as Queue;
  if (!Array.isArray(queue) || (queue.$ && !fresh)) return undefined;
  if (!queue.$) for (const adapter of adapters) guard(adapter.start)(law);
  queue.$ = 1;
  publish(queue);
  return { boot, src, base: src.replace(/\/b\/[\w-]+\.js.*/, ''), nonce: own.nonce || '', fresh, signal, trust: createTrust(), ...(VOLENTI.share ? { handed: take() } : {}) };
};

/** The judgement, with what this browser keeps. */
export const judge = ({ boot, fresh, signal }: Head): Outcome =>
  decide(boot, inForce(boot, read(), fresh || hasCookie(), Date.now() / 1e3), signal);
