import type { Choices } from './types';

/**
 * Tells one vendor's API, or one signal's, what may be. One file an adapter in adapters/, with one export
 * of the file's name; modules.go says which notices use it. Neither call may load anything: that is what tags are for.
 */
export interface Adapter {
  /** Once, before any tag: what the law says while nothing is decided. */
  start(defaults: Choices): void;
  /** What the decision in force says: once on every page that has one, and after each new one. */
  change(now: Choices): void;
}
