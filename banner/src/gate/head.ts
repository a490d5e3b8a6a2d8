import { none } from 'volenti:notice';
import type { VolentiCommand } from '../../volenti';
import { own, type Adapter } from './adapter';
import type { Block } from './block';
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
  /** A decision made on another domain of the controller (VOLENTI.share). */
  readonly handed?: Handed | undefined;
  /** Holds what nobody marked; only in a page where something may not load. */
  block?: Block;
}

/** window.volenti before the gate is there: the page's queue, with a mark of the script that will run it. */
export type Queue = VolentiCommand[] & { $?: 1 };

/** window.volenti as a script set it. */
export const found = (): unknown => own('volenti');

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
  const law = VOLENTI.surface ? resolve(boot, undefined, signal) : told(boot, signal, boot.p);
  if (VOLENTI.surface && boot.head) {
    // A pinned script (entry/pinned.ts) was here first: it has told them the strictest law, and holds all that it can.
    for (const adapter of adapters) guard(adapter.change)(law);
    return { ...boot.head, boot, signal };
  }
  const script = page.currentScript as HTMLScriptElement;
  const src = script.src.replace(/.fresh=\d+$/, '');
  const fresh = src !== script.src;
  const queue = (found() ?? []) as Queue;
  if (!Array.isArray(queue) || (queue.$ && !fresh)) return undefined;
  if (!queue.$) for (const adapter of adapters) guard(adapter.start)(law);
  queue.$ = 1;
  publish(queue);
  return { boot, src, base: src.replace(/\/b\/[\w-]+\.js.*/, ''), nonce: script.nonce, fresh, signal, trust: createTrust(), ...(VOLENTI.share ? { handed: take() } : {}) };
};

/**
 * What the server found that may load (boot `p` or `q`), for scripts that leave the judgement to the gate. A signal that only
 * the page has is not in it: then nothing may, until the gate has judged.
 */
export const told = (boot: Boot, signal: boolean, found: Choices | undefined): Choices => (signal && !sent(boot) ? none : (found ?? none));

/** The judgement, with what this browser keeps. */
export const judge = ({ boot, fresh, signal }: Head): Outcome =>
  decide(boot, inForce(boot, read(), fresh || hasCookie(), Date.now() / 1e3), signal);
