import { rules } from 'volenti:rules';
import type { Block } from './hold';
import { closed, construct, type Class } from './construct';
import { createJudge, type Judge } from './rules';

/** Stands first in a worker. Its text runs there, so it knows nothing but its arguments. */
const inside = (judge: Judge, socket: typeof closed, held: readonly number[], unknown: number, base: string): void => {
  const stops = (address: unknown): boolean => {
    let verdict = unknown;
    try {
      verdict = judge(new URL(String(address), base));
    } catch {
      // It is no address.
    }
    return held.includes(verdict);
  };
  const worker = self as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  const put = (owner: object, name: string, handler: ProxyHandler<never>): void => {
    const native = Reflect.get(owner, name) as object | undefined;
    if (native) Object.defineProperty(owner, name, { value: new Proxy(native, handler as ProxyHandler<object>), writable: true, configurable: true });
  };
  put(worker, 'fetch', { apply: (native: (...args: unknown[]) => unknown, self, args) => (stops((args[0] as Request | undefined)?.url ?? args[0]) ? Promise.reject(new TypeError('Failed to fetch')) : Reflect.apply(native, self, args)) });
  put(worker, 'importScripts', {
    apply(native: (...args: unknown[]) => unknown, self, args) {
      if (args.some(stops)) throw new DOMException('Held', 'NetworkError');
      return Reflect.apply(native, self, args);
    },
  });
  put(XMLHttpRequest.prototype, 'open', {
    apply: (native: (...args: unknown[]) => unknown, self, [method, address, ...more]) => Reflect.apply(native, self, [method, stops(address) ? 'blob:' : address, ...more]),
  });
  put(worker, 'EventSource', { construct: (native: Class, [address, ...more], target) => Reflect.construct(native, [stops(address) ? 'blob:' : address, ...more], target) });
  put(worker, 'WebSocket', { construct: (native: Class, args, target) => (stops(args[0]) ? socket(native.prototype as object, String(args[0])) : Reflect.construct(native, args, target)) });
};

/**
 * Workers that are made of text: what they may fetch is settled when they are made. Those with an address of their own are
 * the site's, for browsers make none of another site's.
 */
export const workers = (block: Block): void => {
  const blobs = new Map<string, Blob>();
  const guarded = new Map<string, string>();

  block.patch(URL, /^(create|revoke)ObjectURL$/, (_, [what], name, native) => {
    if (name === 'revokeObjectURL') {
      blobs.delete(String(what));
      return;
    }
    const address = native.call(URL, what) as string;
    if (what instanceof Blob) blobs.set(address, what);
    return [address];
  });

  for (const name of ['Worker', 'SharedWorker'])
    construct(block, name, (args) => {
      const address = String(args[0]);
      const blob = blobs.get(address);
      if (!blob) return;
      const held = rules.verdicts.map((_, i) => i).filter((i) => i && !block.allows(i));
      const values = [held, rules.unknown, document.baseURI].map((value) => JSON.stringify(value)).join();
      const text = `(${inside})((${createJudge})(${JSON.stringify(rules)},${JSON.stringify(location.hostname)}),${closed},${values});`;
      // One shared worker an address, as long as the same may load.
      const key = `${held} ${address}`;
      if (!guarded.has(key)) guarded.set(key, URL.createObjectURL(new Blob([text, '\n', blob], { type: blob.type })));
      args[0] = guarded.get(key);
    });
};
