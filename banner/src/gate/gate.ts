import { categories, labels, notice, settingsDigest, site, validity, vendorNames } from 'volenti:notice';
import type { Adapter } from './adapter';
import { createApi } from './api';
import { all, decide, inForce } from './decide';
import { found, publish, type Queue } from './handover';
import { emit, guard, page, warn } from './page';
import { createEngine, rest, type Engine } from './release';
import { follow, hasCookie, read, write } from './remember';
import { draft, report } from './report';
import { findSelf } from './self';
import { signalOn } from './signals';
import { allows, marks } from './tags';
import { createTrust } from './trust';
import type { Action, Boot, Choices, Decision, Gate, Surface } from './types';
import { sweep } from './withdraw';

/** What the gate shows, given by the entry: gate never imports ui. Each returns how to take it away. */
export interface Layers {
  /** The first layer; a script without one loads one that has it. */
  ask?(gate: Gate): () => void;
  reopen(gate: Gate, choices?: boolean): () => void;
  placeholder(el: HTMLElement, vendor: string, category: string, allow: () => void): () => void;
}

const seconds = (): number => Math.floor(Date.now() / 1e3);

/** Once the next frame is painted; in a hidden tab, which paints none, soon. */
const afterPaint = (f: () => void): void => {
  const painted = new Promise(requestAnimationFrame).then(rest);
  void Promise.race([painted, new Promise((done) => setTimeout(done, 200))]).then(guard(f));
};

/**
 * The whole gate: judges, tells the adapters, releases, reports, and hands the ui what it needs. What fails in here
 * leaves tags shut and the page as it was.
 */
export const start = guard((served: Boot, adapters: readonly Adapter[], layers: Layers) => {
  const earlier = found();
  if (earlier && !Array.isArray(earlier)) return; // The script stands in the page twice.
  const queue = (earlier ?? []) as Queue;
  const small = queue.$;
  const self = findSelf();
  const trust = small?.trust ?? createTrust();
  // Members of a polluted Object.prototype are none of the boot's.
  const boot: Boot = { __proto__: null, ...served };
  const signal = signalOn(boot);

  let decision = inForce(boot, read(), self.fresh || hasCookie(), seconds());
  let outcome = decide(boot, decision, signal);
  if (!small) for (const adapter of adapters) adapter.start(decide(boot, undefined, signal).now);
  if (outcome.ask && !layers.ask && !self.fresh) {
    // A cached answer for somebody who had decided, and the decision is gone.
    queue.$ = { trust, stop: () => Promise.resolve() };
    publish(queue);
    self.reload(trust);
    return;
  }

  let engine: Engine | undefined;
  let receipt = '';
  let close: (() => void) | undefined;
  let reopened = false;
  const calls = new Set<() => void>();
  const frames = new Map<HTMLElement, (() => void) | undefined>();

  const tell = (): void => calls.forEach((call) => guard(call)());

  const reopen = (): void => {
    if (!reopened) layers.reopen(gate, !!boot.l);
    reopened = true;
  };

  const mount = (): void => {
    close ??= layers.ask?.(gate);
  };

  const hide = (): void => {
    close?.();
    close = undefined;
    reopen();
  };

  /** Puts a decision in force: everything that depends on it follows. */
  const apply = (next: Decision): void => {
    const before = outcome.now;
    decision = next;
    outcome = decide(boot, decision, signal);
    const { now } = outcome;
    for (const adapter of adapters) guard(() => adapter.change(now))();
    if (!outcome.ask) hide();
    afterPaint(() => {
      sweep(outcome.now);
      engine?.update();
    });
    place();
    tell();
    emit('decision', api.state);
    if (now !== before) emit('change', api.state);
  };

  /** Another tab decided, or had its decision answered. */
  const adopt = (next: Decision): void => {
    if (next.n !== notice || next.u <= seconds()) return;
    if (next.c === decision?.c) {
      decision = next;
      tell();
    } else if (next.a >= (decision?.a ?? 0)) apply(next);
  };

  const send = report(self.base, {
    get: () => decision,
    put(next, text) {
      decision = next;
      write(next);
      tell();
      if (next.p) return;
      receipt = text;
      emit('recorded', api.state);
      // So that the next page view gets what is right for it from the cache.
      (window.requestIdleCallback ?? setTimeout)(() => {
        fetch(self.src, { cache: 'reload', credentials: 'include', mode: 'no-cors' }).catch(() => {});
      });
    },
  });

  const gate: Gate = {
    boot,
    base: self.base,
    nonce: self.nonce,
    signal,
    get decision() {
      return decision;
    },
    get now() {
      return outcome.now;
    },
    decide(c: Choices, action: Action, surface: Surface) {
      // Later than every decision known, whatever the clock says: the newer one counts.
      const a = Math.max(seconds(), (decision?.a ?? 0) + 1);
      const implied = action === 'acknowledge' || action === 'signal';
      const next: Decision = {
        v: 1,
        c,
        n: notice,
        a,
        u: a + validity,
        s: signal ? 1 : 0,
        e: implied ? 'i' : 'e',
        p: [...(decision?.p ?? []), draft(boot.t, c, action, surface, decision?.r)],
      };
      receipt = '';
      write(next);
      apply(next);
      void send();
    },
    async receipt() {
      const { r, p } = decision ?? {};
      if (p || receipt || !r) return receipt || undefined;
      const answer = await fetch(`${self.base}/v1/sites/${site}/receipts/${r}`, { credentials: 'include' });
      return answer.ok ? (receipt = await answer.text()) : undefined;
    },
    changed(call) {
      calls.add(call);
      return () => calls.delete(call);
    },
    settings(from) {
      void (import(`${self.base}/b/${site}/${settingsDigest}.js`) as Promise<{ open(gate: Gate, from?: Element | null): void }>).then(
        (layer) => layer.open(gate, from),
        (e) => {
          warn(e);
          open(`${self.base}/privacy/${site}`);
        },
      );
    },
  };

  const api = createApi(gate, hide);

  /** Placeholders for frames that are held back, none for those that are not. Right before a frame, when styles are there. */
  const place = (): void => {
    requestAnimationFrame(
      guard(() => {
        for (const [el, remove] of frames) {
          const held = el.isConnected && !allows(outcome.now, el);
          if (!held) {
            remove?.();
            frames.delete(el);
          } else if (!remove) {
            const [category, vendor] = marks(el)!;
            const index = vendor < 0 ? category : categories.length + 1 + vendor;
            frames.set(
              el,
              layers.placeholder(el, vendorNames[vendor] ?? new URL(el.getAttribute('data-src') || '', location.href).hostname, labels[category]!, () => {
                const c = decision?.c ?? all('-');
                gate.decide(c.slice(0, index) + '1' + c.slice(index + 1), 'save', 'placeholder');
              }),
            );
          }
        }
      }),
    );
  };

  const begin = guard(() => {
    engine = createEngine({
      allowed: (el) => allows(outcome.now, el),
      held(el) {
        if (!(el instanceof HTMLIFrameElement) || frames.has(el)) return;
        frames.set(el, undefined);
        place();
      },
      nonce: self.nonce,
      trust,
      after: small?.stop(),
    });
    follow(adopt);
    addEventListener('online', guard(send));
    addEventListener('pageshow', (e) => {
      const kept = e.persisted && read();
      if (kept) adopt(kept);
    });
    page.addEventListener(
      'click',
      guard((e) => {
        const opener = e.target instanceof Element && Element.prototype.closest.call(e.target, '[data-volenti=open]');
        if (!opener) return;
        e.preventDefault();
        gate.settings(opener);
      }),
    );
    if (outcome.signal) {
      gate.decide(outcome.signal, 'signal', 'signal');
      mount();
    } else if (outcome.ask) mount();
    else reopen();
    if (decision) sweep(outcome.now);
    const late = found();
    publish(api);
    for (const command of Array.isArray(late) ? (late as Queue) : []) api.push(command);
    emit('ready', api.state);
    void send();
  });

  if (decision) for (const adapter of adapters) adapter.change(outcome.now);
  if ((document as unknown as { prerendering?: boolean }).prerendering) page.addEventListener('prerenderingchange', begin, { once: true });
  else begin();
});
