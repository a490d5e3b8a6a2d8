import type { VolentiCommand } from '../../volenti';
import { resolve } from '../gate/decide';
import { found, publish, type Queue } from '../gate/handover';
import { emit, guard, page } from '../gate/page';
import { createEngine, type Engine } from '../gate/release';
import { hasCookie, read } from '../gate/remember';
import { findSelf } from '../gate/self';
import { signalOn } from '../gate/signals';
import { createTrust } from '../gate/trust';
import type { Boot } from '../gate/types';
import { reopen } from '../ui/reopen';
import { adapters } from './adapters';

/**
 * The small gate, for a visitor who granted everything: it releases, and loads the whole gate as soon as anybody wants
 * more. Whatever does not fit together means: stay shut, and let the whole gate judge.
 */
guard((served: Boot) => {
  const earlier = found();
  if (earlier && !Array.isArray(earlier)) return;
  const queue = (earlier ?? []) as Queue;
  const self = findSelf();
  const trust = createTrust();
  const { c, m, u, l, ...signals }: Boot = { __proto__: null, ...served };
  const signal = signalOn(signals as Boot);
  let engine: Engine | undefined;
  let loading = false;

  const whole = (): void => {
    if (!loading) self.reload(trust);
    loading = true;
  };
  // What this browser keeps must say the same and owe no report; a cookie must be there if it keeps nothing.
  const fits = (): boolean => {
    const kept = read();
    return !signal && !!c && !c.includes('0') && u! > Date.now() / 1e3 && (kept ? kept.c === c && !kept.p : hasCookie());
  };
  const check = guard(() => {
    if (fits()) return;
    void engine?.stop();
    whole();
  });

  for (const adapter of adapters) adapter.start(resolve({ m } as Boot, undefined, signal));
  queue.$ = { trust, stop: async () => engine?.stop() };
  const waiting = queue.length;
  queue.push = (...commands: VolentiCommand[]) => {
    whole();
    return Array.prototype.push.apply(queue, commands);
  };
  publish(queue);

  const begin = guard(() => {
    if (waiting || !fits()) return whole();
    for (const adapter of adapters) adapter.change(c!);
    engine = createEngine({ allowed: () => true, nonce: self.nonce, trust, after: undefined });
    addEventListener('storage', check);
    addEventListener('pageshow', check);
    reopen({ settings: () => queue.push(['show']) }, !!l);
    emit('ready');
  });
  if ((document as unknown as { prerendering?: boolean }).prerendering) page.addEventListener('prerenderingchange', begin, { once: true });
  else begin();
})(boot);
