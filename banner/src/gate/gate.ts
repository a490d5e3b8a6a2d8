import { categories, notice, settingsDigest, site, unasked, validity } from 'volenti:notice';
import type { Adapter } from './adapter';
import { createApi } from './api';
import { decide } from './decide';
import { found, judge, publish, type Head, type Queue } from './head';
import { afterPaint, emit, guard, page, warn } from './page';
import { createEngine, type Engine } from './release';
import { follow, read, write } from './remember';
import { draft, report } from './report';
import { allows, marks } from './tags';
import { createTrust } from './trust';
import type { Action, Choices, Decision, Gate, Surface } from './types';
import { sweep } from './withdraw';

/** What the gate shows, given by the entry: gate never imports ui. Each returns how to take it away. */
export interface Layers {
  reopen(gate: Gate, choices?: boolean): () => void;
  /** Stands in for a frame that is held back. `allow` grants its vendor, or its categories if it names none. */
  placeholder(el: HTMLElement, category: number, vendor: number, allow: () => void): () => void;
}

// A browser may allow a policy's name only once a page.
const trust = createTrust();

const seconds = (): number => Math.floor(Date.now() / 1e3);

/** Loads the script anew. */
const reload = ({ src, nonce }: Head): void => {
  const script = page.createElement('script');
  script.src = trust.createScriptURL(`${src}${src.includes('?') ? '&' : '?'}fresh=${Date.now()}`);
  script.nonce = nonce;
  page.documentElement.append(script);
};

/**
 * Everything behind the head: tells the adapters, releases, remembers, reports, and is what the ui and window.volenti
 * talk to.
 */
export const createGate = (head: Head, adapters: readonly Adapter[], layers: Layers): Gate | undefined => {
  const { boot, base, nonce, signal } = head;
  let outcome = judge(head);
  let { decision } = outcome;
  if (outcome.ask && !head.close && !head.fresh) {
    reload(head);
    return undefined;
  }
  if (decision) for (const adapter of adapters) guard(adapter.change)(outcome.now);
  let engine: Engine | undefined;
  let receipt = '';
  let reopened = false;
  const calls = new Set<() => void>();
  /** Frames that are held back, and how to take their placeholders away. */
  const frames = new Map<HTMLElement, () => void>();

  const tell = (): void => calls.forEach((call) => guard(call)());

  /** The first layer goes, the control that opens the choices again comes. */
  const settle = (): void => {
    head.close?.();
    if (!reopened) layers.reopen(gate, !!boot.l);
    reopened = true;
  };

  /** Puts a decision in force: everything that depends on it follows. */
  const apply = (next: Decision): void => {
    const before = outcome.now;
    decision = next;
    outcome = decide(boot, decision, signal);
    for (const adapter of adapters) guard(adapter.change)(outcome.now);
    afterPaint(() => {
      sweep(outcome.now);
      for (const [el, remove] of frames)
        if (!el.isConnected || allows(outcome.now, el)) {
          remove();
          frames.delete(el);
        }
      engine?.update();
    });
    tell();
    emit('decision', api.state);
    if (outcome.now !== before) emit('change', api.state);
  };

  /** Another tab decided, or had its decision answered. */
  const adopt = (next: Decision): void => {
    if (next.n !== notice || next.u <= seconds()) return;
    if (next.c === decision?.c) {
      decision = next;
      tell();
    } else if (next.a >= (decision?.a ?? 0)) {
      apply(next);
      if (!outcome.ask) settle();
    }
  };

  const send = report(base, {
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
        fetch(head.src, { cache: 'reload', credentials: 'include', mode: 'no-cors' }).catch(() => {});
      });
    },
  });

  const gate: Gate = {
    boot,
    base,
    nonce,
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
      const next: Decision = {
        v: 1,
        c,
        n: notice,
        a,
        u: a + validity,
        s: signal ? 1 : 0,
        e: action === 'acknowledge' || action === 'signal' ? 'i' : 'e',
        p: [...(decision?.p ?? []), draft(boot.t, c, action, surface, decision?.r)],
      };
      receipt = '';
      write(next);
      apply(next);
      // A signal that was applied is shown, until the visitor has seen it.
      if (!outcome.ask && action !== 'signal') settle();
      void send();
    },
    async receipt() {
      const { r, p } = decision ?? {};
      if (p || receipt || !r) return receipt || undefined;
      const answer = await fetch(`${base}/v1/sites/${site}/receipts/${r}`, { credentials: 'include' });
      return answer.ok ? (receipt = await answer.text()) : undefined;
    },
    changed(call) {
      calls.add(call);
      return () => calls.delete(call);
    },
    settings(from) {
      (import(`${base}/b/${site}/${settingsDigest}.js`) as Promise<{ open(gate: Gate, from?: Element | null): void }>)
        .then((layer) => layer.open(gate, from))
        .catch((e) => {
          warn(e);
          open(`${base}/privacy/${site}`);
        });
    },
  };

  const api = createApi(gate, () => head.close?.());

  /** A frame's placeholder comes right before a frame is painted: then the page's styles are there, which give it its box. */
  const hold = (el: HTMLElement): void => {
    if (!(el instanceof HTMLIFrameElement) || frames.has(el)) return;
    frames.set(el, () => {});
    requestAnimationFrame(
      guard(() => {
        if (!frames.has(el) || !el.isConnected) return;
        const marked = marks(el)!;
        frames.set(
          el,
          layers.placeholder(el, marked.categories[0]!, marked.vendor, () => {
            const c = [...(decision?.c ?? unasked)];
            for (const i of marked.vendor < 0 ? marked.categories : [categories.length + 1 + marked.vendor]) c[i] = '1';
            gate.decide(c.join(''), 'save', 'placeholder');
          }),
        );
      }),
    );
  };

  engine = createEngine({ allowed: (el) => allows(outcome.now, el), held: hold, nonce, trust });
  follow(adopt);
  addEventListener('online', send);
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
  const queue = found() as Queue;
  publish(api);
  if (outcome.signal) gate.decide(outcome.signal, 'signal', 'signal');
  else if (!outcome.ask || !head.close) settle();
  if (decision) sweep(outcome.now);
  queue.forEach(api.push);
  emit('ready', api.state);
  void send();
  return gate;
};
