import { guard, page } from './page';
import type { Choices } from './types';

/**
 * Tells one vendor's API, or one signal's, what may be. One file an adapter in adapters/, which exports the two;
 * ../adapters.go says which notices use it, and which script needs which half. Neither call may load anything: that is
 * what tags are for. docs/tags.md says what each vendor does with what it is told. What adapters share stands below.
 */
export interface Adapter {
  /** Once, before any tag: what the law says while nothing is decided. */
  start(defaults: Choices): unknown;
  /** What the decision in force says: once on every page that has one, and after each new one. */
  change(now: Choices): unknown;
}

const globals = window as unknown as Record<string, any>;

type Call = readonly unknown[];
type Told = ((...call: unknown[]) => unknown) & Record<string, any>;

/** A global as a script set it. An element of that id is not one: those are found on the prototype. */
export const own = (name: string): any => ({}).hasOwnProperty.call(window, name) ? globals[name] : undefined;

/** Whether all that stand at these places of choices are granted. VOLENTI.at has them by adapter; -1 can't be granted by anybody. */
export const granted = (now: Choices, at: readonly number[]): boolean => at.every((i) => now[i] === '1');

/** The same in the word that most vendors have for it. */
export const word = (now: Choices, at: readonly number[]): 'granted' | 'denied' => (granted(now, at) ? 'granted' : 'denied');

/** A vendor's global that begins as a list of commands: its base code takes up the list that is there. */
export const list = (name: string): any => own(name) ?? (globals[name] = []);

/** Calls a method of such a global; while there is none, the list keeps the call as the vendor's own stub does. */
export const call = (name: string, method: string, ...args: Call): void => {
  const there = list(name);
  if (there[method]) there[method](...args);
  else there.push([method, ...args]);
};

/** A vendor's global function that queues on `q` until its script is there, and whose base code leaves one alone that is. */
export const queue = (name: string): Told => {
  const stub = (...args: unknown[]): unknown => (stub.q ??= []).push(args);
  stub.q = undefined as unknown[] | undefined;
  return own(name) ?? (globals[name] = stub);
};

/**
 * Calls back with a vendor's function whose base code does nothing where its name is taken, so that none of ours can
 * stand there: at once if it is there, else when the script that brings it has run (`fresh`). Until then a later word
 * takes the place of an earlier one.
 */
export const when = (name: string, tell: (f: Told, fresh?: boolean) => void): void => {
  const there = own(name);
  if (there) tell(there);
  else
    Object.defineProperty(globals, name, {
      configurable: true,
      get() {},
      set(f) {
        delete globals[name];
        globals[name] = f;
        queueMicrotask(guard(() => tell(f, true)));
      },
    });
};

/** What stands ahead of queues: the first command of each word. */
const heads = new Set<Call>();

/**
 * Commands for such a function; before what its base code's script has queued under the name `waiting`. While they still
 * wait there, because its script is held, a later word takes the place of an earlier one: a vendor that drops what is not
 * granted would drop the page's first event. It is said as well, in case nobody reads that queue any more.
 */
export const ahead = (name: string, waiting: string, ...commands: Call[]): void =>
  when(name, (f, fresh) => {
    const queued = f[waiting] as Call[] | undefined;
    const known = heads.has(queued?.[0]!);
    if (fresh || known) queued?.splice(0, known ? commands.length : 0, ...commands);
    if (!fresh || !queued) commands.forEach((args) => f(...args));
    heads.add(commands[0]!);
  });

/** Once the page's own scripts have run. */
export const parsed = (f: () => void): void => {
  if (page.readyState === 'loading') page.addEventListener('DOMContentLoaded', guard(f), { once: true });
  else f();
};
