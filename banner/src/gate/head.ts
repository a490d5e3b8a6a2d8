import { gateDigest, site } from 'volenti:notice';
import type { VolentiCommand } from '../../volenti';
import type { Adapter } from './adapter';
import { decide, inForce, resolve, type Outcome } from './decide';
import { page } from './page';
import { hasCookie, read } from './remember';
import { signalOn } from './signals';
import type { Boot, Gate } from './types';

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
  /** Takes the first layer away, where there is one. */
  close?: () => void;
}

/** The module entry/gate.ts. */
export interface GateModule {
  /** Undefined if the script must be loaded anew: a cached one that can't ask, and there is no decision any more. */
  start(head: Head): Gate | undefined;
}

/** window.volenti before the gate is there: the page's queue, with a mark of the script that will run it. */
export type Queue = VolentiCommand[] & { $?: 1 };

/** window.volenti as a script set it. An element of that id is not: those are found on the prototype. */
export const found = (): unknown => Object.getOwnPropertyDescriptor(window, 'volenti')?.value;

export const publish = (value: unknown): void => {
  Object.defineProperty(window, 'volenti', { value, configurable: true, enumerable: true, writable: true });
};

/**
 * Tells the adapters what the law says, before any tag can run. Undefined if the script stands in the page twice.
 *
 * The script's own element is found by the getter of the document's class, which can't be clobbered: it is the element
 * that runs, so nothing that stands in the page can pose as our configuration.
 */
export const createHead = (served: Boot, adapters: readonly Adapter[]): Head | undefined => {
  const own = page.currentScript as HTMLScriptElement;
  const src = own.src.replace(/.fresh=\d+$/, '');
  const fresh = src !== own.src;
  const queue = (found() ?? []) as Queue;
  if (!Array.isArray(queue) || (queue.$ && !fresh)) return undefined;
  // Members of a polluted Object.prototype are none of the boot's.
  const boot = { __proto__: null, ...served } as Boot;
  const signal = signalOn(boot);
  if (!queue.$) for (const adapter of adapters) adapter.start(resolve(boot, undefined, signal));
  queue.$ = 1;
  publish(queue);
  const { origin, pathname } = new URL(src);
  return { boot, src, base: origin + pathname.slice(0, pathname.lastIndexOf('/b/')), nonce: own.nonce || '', fresh, signal };
};

/** The judgement, with what this browser keeps. */
export const judge = ({ boot, fresh, signal }: Head): Outcome =>
  decide(boot, inForce(boot, read(), fresh || hasCookie(), Date.now() / 1e3), signal);

/**
 * Fetches the gate, which is the same for all pages and visitors and stays in the browser's cache. Tries again a few
 * times; a browser remembers that a module failed, so another try has another address.
 */
export const fetchGate = async (head: Head, tries = 0): Promise<GateModule> => {
  try {
    return (await import(`${head.base}/b/${site}/${gateDigest}.js${tries ? '?' + tries : ''}`)) as GateModule;
  } catch (e) {
    if (tries > 2) throw e;
    await new Promise((done) => setTimeout(done, 2e3 << (2 * tries)));
    return fetchGate(head, tries + 1);
  }
};
