import { categories, notice, settingsDigest, site, unasked } from 'volenti:notice';
import { createApi } from './api';
import type { Core } from './core';
import { resolve } from './decide';
import { foreign, translate } from './dialects';
import { publish } from './head';
import { afterPaint, emit, guard, warn, within } from './page';
import { follow, forget, read } from './remember';
import { report } from './report';
import { allows, marks } from './tags';
import type { Decision, Gate } from './types';
import { sweep } from './withdraw';

/** What the gate shows, given by the entry: gate never imports ui. */
export interface Layers {
  /** The control that opens the choices again. */
  reopen(gate: Gate, choices?: boolean): void;
  /** Stands in for a frame that is held back; returns how to take it away. `allow` grants its vendor, or its categories if it names none. */
  placeholder(el: HTMLElement, category: number, vendor: number, allow: () => void): () => void;
  /** Says that the choice made on the first layer counts. */
  say(gate: Gate): void;
}

/**
 * What nobody waits for before there is a decision: window.volenti, placeholders, the control that opens the choices
 * again, deletion of what was declared, other tabs, receipts, sending again. It attaches to a core that works already.
 */
export const attach = (core: Core, layers: Layers): void => {
  core.whole = true;
  const { gate, frames, head } = core;
  const { base, boot } = head;
  const placeholders = new Map<HTMLElement, () => void>();
  let receipt = '';
  let reopened = false;
  let turn = 0;
  /** What could load when the page was last told. */
  let before = core.turn ? resolve(boot, undefined, gate.signal) : gate.now;
  let answered: Core['sent'];

  /** The first layer goes, the control that opens the choices again comes. */
  const settle = (): void => {
    core.close?.();
    if (!reopened) layers.reopen(gate, !!boot.l);
    reopened = true;
  };

  /** Placeholders for frames that are held back. They come right before a frame is painted: then the page's styles are there, which give each its box. */
  const place = (): void => {
    if (frames.size) requestAnimationFrame(guard(placeAll));
  };
  const placeAll = (): void => {
    for (const el of frames) {
      const remove = placeholders.get(el);
      if (!el.isConnected || allows(core.outcome.now, el)) {
        remove?.();
        placeholders.delete(el);
        frames.delete(el);
      } else if (!remove) {
        const { categories: of, vendor } = marks(el)!;
        const allow = (): void => {
          const c = [...(gate.decision?.c ?? unasked)];
          for (const i of vendor < 0 ? of : [categories.length + 1 + vendor]) c[i] = '1';
          gate.decide(c.join(''), 'save', 'placeholder');
        };
        placeholders.set(el, layers.placeholder(el, of[0]!, vendor, allow));
      }
    }
  };

  /** Another tab decided, or had its decision answered. */
  const adopt = (next: Decision): void => {
    if (next.n !== notice || next.u <= Date.now() / 1e3) return;
    if (next.c === gate.decision?.c) core.keep(next);
    else if (next.a >= (gate.decision?.a ?? 0)) core.apply(next);
  };
  const tellTabs = follow(adopt);

  const send = report(base, {
    get: () => gate.decision,
    put(next, text) {
      core.keep(next);
      tellTabs(next);
      if (next.p) return;
      receipt = text;
      emit('recorded', api.state);
      // So that the next page view gets what is right for it from the cache.
      (window.requestIdleCallback ?? setTimeout)(() => {
        fetch(head.src, { cache: 'reload', credentials: 'include', mode: 'no-cors' }).catch(() => {});
      });
    },
    drop: forget,
    answer(sent) {
      const mine = core.sent?.[0].id === sent.id && core.sent !== answered ? core.sent : undefined;
      answered = mine ?? answered;
      return mine?.[1];
    },
  });

  const second = (): Promise<{ open(gate: Gate, from?: Element | null): void }> => import(`${base}/b/${site}/${settingsDigest}.js`);
  const calls = new Set<() => void>();
  Object.assign(gate, {
    changed(call) {
      calls.add(call);
      return () => calls.delete(call);
    },
    async receipt() {
      const { r, p } = gate.decision ?? {};
      if (p || receipt || !r) return receipt || undefined;
      const answer = await fetch(`${base}/v1/sites/${site}/receipts/${r}`, { credentials: 'include' });
      return answer.ok ? (receipt = await answer.text()) : undefined;
    },
    settings: (from) => void second().then((layer) => layer.open(gate, from), warn),
    warm: () => void second().catch(warn),
  } satisfies Partial<Gate>);

  /** Another tab that just decided sends that itself. */
  const sendOurs = (): void => {
    if (!core.turn || core.sent?.[0].id === gate.decision?.p?.at(-1)?.id) void send();
  };

  /** What was asked of window.volenti meanwhile. */
  const run = (): void => {
    for (const command of core.queue.splice(0)) api.push(command);
  };

  /** After every change, and once for what changed before this was there. */
  const changed = (): void => {
    place();
    run();
    calls.forEach((call) => guard(call)());
    if (core.turn === turn) return;
    turn = core.turn;
    receipt = '';
    const mine = gate.decision?.p?.at(-1);
    if (mine) tellTabs(gate.decision!);
    // A signal that was applied is shown, until the visitor has seen it.
    if (mine?.action !== 'signal' && !core.outcome.ask) settle();
    if (mine?.surface === 'banner') layers.say(gate);
    afterPaint(() => sweep(core.outcome.now));
    emit('decision', api.state);
    if (gate.now !== before) emit('change', api.state);
    before = gate.now;
    sendOurs();
  };

  // Tags marked for another banner become ours, those that come later too. Put where it stands, each is one that has just come.
  const adoptMarks = (root: Element): void => {
    for (const el of within(root, foreign)) if (translate(el)) el.before(el);
  };
  const observer = new MutationObserver(
    guard((records: MutationRecord[]) => {
      for (const { addedNodes } of records) for (const node of addedNodes) if (node instanceof Element) adoptMarks(node);
    }),
  );
  observer.observe(document, { childList: true, subtree: true });
  adoptMarks(document.documentElement);

  const api = createApi(gate, () => core.close?.());
  publish(api);
  const kept = read();
  if (kept) adopt(kept);
  core.changed = guard(changed);
  core.changed();
  if (!core.close) settle();
  if (gate.decision) sweep(gate.now);
  addEventListener('online', send);
  addEventListener('pageshow', (e) => {
    const back = e.persisted && read();
    if (back) adopt(back);
  });
  run();
  emit('ready', api.state);
  sendOurs();
};
