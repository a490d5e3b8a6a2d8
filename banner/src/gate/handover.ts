import type { VolentiCommand } from '../../volenti';
import type { Trust } from './trust';

/**
 * window.volenti before the whole gate is there: the page's queue, or what a small gate put in its place. The member
 * `$` is not mangled, because the two are compiled apart.
 */
export type Queue = VolentiCommand[] & {
  $?: {
    /** A browser may allow a policy's name only once a page. */
    readonly trust: Trust;
    /** Stops the small gate's engine; resolves when its last tag has ended. */
    stop(): Promise<unknown>;
  };
};

/** window.volenti as a script set it. An element of that id is not: those are found on the prototype. */
export const found = (): unknown => Object.getOwnPropertyDescriptor(window, 'volenti')?.value;

export const publish = (value: unknown): void => {
  Object.defineProperty(window, 'volenti', { value, configurable: true, enumerable: true, writable: true });
};
