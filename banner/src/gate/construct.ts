import type { Block } from './hold';
import { guard } from './page';

export type Class = new (...args: never[]) => object;

/** Puts something before a class is made an instance of. It may change the arguments, or answer the instance. */
export const construct = (block: Block, name: string, before: (args: unknown[], native: Class) => object | void): void =>
  guard(() => {
    const native = Object.getOwnPropertyDescriptor(window, name)?.value as Class | undefined;
    if (!native) return;
    const value = new Proxy(native, {
      construct(target, args: unknown[], self) {
        let instead: object | void;
        if (!block.free) guard(() => (instead = before(args, native)))();
        return instead! ?? (Reflect.construct(target, args, self) as object);
      },
    });
    Object.defineProperty(window, name, { value, writable: true, configurable: true });
  })();

/**
 * A socket that was closed before it was open. It is an event target, so whoever listens to it hears of that, and has a
 * socket's prototype, whose own members would refuse it: they are put before them.
 *
 * Its text runs in workers too, so it knows nothing but its arguments.
 */
export const closed = (prototype: object, url: string): object => {
  const socket = new EventTarget();
  const members: Record<string, unknown> = { url, readyState: 3, bufferedAmount: 0, extensions: '', protocol: '', binaryType: 'blob', send() {}, close() {} };
  for (const type of ['open', 'message', 'error', 'close']) {
    members['on' + type] = null;
    socket.addEventListener(type, (e) => (socket as unknown as Record<string, ((e: Event) => void) | null>)['on' + type]?.(e));
  }
  for (const name in members) Object.defineProperty(socket, name, { value: members[name], writable: true, configurable: true });
  setTimeout(() => {
    for (const event of [new Event('error'), new CloseEvent('close', { code: 1006 })]) socket.dispatchEvent(event);
  });
  return Object.setPrototypeOf(socket, prototype) as object;
};
