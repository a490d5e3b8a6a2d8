// What the parts that hold unmarked tags share: block.ts makes it, each other file adds what it holds.
import type { Patch } from './patch';
import type { Marked } from './tags';
import type { Trust } from './trust';
import type { Choices } from './types';

/** Holds what nobody marked, by its address. Put into Head and compiled apart, so no name in here may be mangled. */
export interface Block {
  /** Everything may load. */
  free: boolean;
  /** What else to do when that has changed. */
  also?: () => void;
  /** What may load now. */
  update(now: Choices): void;
  /** Whether something may load that is marked so, or has the verdict of this number. */
  allows(what: Marked | number): boolean;
  /** The verdict on an address that may not be fetched now; marks of the site's own count more. Tells who wants to know. */
  stops(address: unknown, marked?: Marked | false): Marked | undefined;
  /** Elements that were held before they could run, and have no marks but ours. */
  readonly mine: Set<HTMLElement>;
  /** Scripts that were parsed as a part of markup: they never run (HTML, "already started"), so they are left alone. */
  readonly dead: WeakSet<Node>;
  readonly patch: Patch;
  readonly trust: Trust;
}

/** Holds what is in a node, itself included; says whether there was something. */
export type Scan = (root: Node) => boolean;
