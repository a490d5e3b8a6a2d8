import { guard, warn } from './page';

const { apply } = Reflect;

/** The one that was there. */
export type Native = (...args: unknown[]) => unknown;

/** What is asked first, with the arguments, which it may change. An answer, in a list of one, stands for that of the native. */
export type Before = (self: never, args: unknown[], name: string, native: Native) => readonly [unknown] | false | undefined | void;

/** The arguments of patch, but for the first. */
export type Patch = (owner: object, names: RegExp, before: Before, get?: (self: never, name: string) => unknown) => void;

/**
 * Puts something before methods and setters, those of `owner` itself whose names fit, which is asked unless everything is
 * free; `get` answers for a getter, or with undefined lets it answer. One that can't be replaced, in a page that froze it,
 * leaves the others. What `before` throws stays in here; then the native goes on.
 */
export const patch = (state: { readonly free: boolean }, ...[owner, names, before, get]: Parameters<Patch>): void => {
  for (const name of Object.getOwnPropertyNames(owner))
    if (names.test(name))
      guard(() => {
        // Without a prototype: a page may have put a `value` or a `get` on Object's.
        const how = { __proto__: null, ...Object.getOwnPropertyDescriptor(owner, name) } as PropertyDescriptor;
        const kind = how.set ? 'set' : 'value';
        const native = how[kind] as Native;
        const read = how.get as Native;
        how[kind] = function (this: never, ...args: unknown[]) {
          let instead;
          try {
            instead = !state.free && before(this, args, name, native);
          } catch (e) {
            warn(e);
          }
          return instead ? instead[0] : apply(native, this, args);
        };
        if (get)
          how.get = function (this: never) {
            return get(this, name) ?? apply(read, this, []);
          };
        Object.defineProperty(owner, name, how);
      })();
};
