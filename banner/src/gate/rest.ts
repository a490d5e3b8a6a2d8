import { categories, notice } from 'volenti:notice';
import { mature } from './age';
import { createApi } from './api';
import type { Core } from './core';
import { all, decide, hold, type Outcome } from './decide';
import { publish } from './head';
import { held, lost } from './held';
import { afterPaint, emit, guard, page, warn } from './page';
import { follow, forget, name, read } from './remember';
import { register } from './registered';
import { fill, holdPart, overrule, part, standing } from './part';
import { report } from './report';
import { draft } from './send';
import { depart, takeOver } from './share';
import { stuck } from './stuck';
import { allows, marks } from './tags';
import type { Action, Decision, Gate, Surface } from './types';
import { arrive, leave, restore, type Back } from './undo';
import { expire, sweep } from './withdraw';

/** What the gate shows, given by the entry: gate never imports ui. */
export interface Layers {
  /** The control that opens the choices again. */
  reopen(gate: Gate, choices?: boolean): void;
  /** Stands in for a frame that is held back; returns how to take it away. `allow` grants its vendor, or its categories if it names none. */
  placeholder(el: HTMLElement, category: number, vendor: number, allow: () => void, signal: boolean): () => void;
  /** What the first layer says where only these places in choices are open. */
  part(gate: Gate, open: readonly number[]): string;
  /** Says that the choice just made counts, and for a moment how to take it back; returns how to say no more. */
  say(gate: Gate, more: More): () => void;
}

/** What is said with a choice. */
export interface More {
  /** Takes it back; absent where that can't be, or has just been done. */
  readonly undo?: (() => void) | undefined;
  /** It was an undo. */
  readonly undone?: boolean;
  /** Nobody chose: a signal was applied. */
  readonly signal?: boolean;
  /** Somebody lost consent by it who may still hold something. */
  readonly remains?: boolean;
  /** It was made there, on another domain of the controller. */
  readonly from?: string;
}

/** The module entry/settings.ts. */
interface Second {
  open(gate: Gate, from?: Element | null): void;
  /** Tells what changed in the policies after `told`, until it was read; says when it is shown and read; returns how to take that away. */
  note(gate: Gate, told: number, say: (action: Action, mark: Partial<Decision>) => void): Promise<() => void>;
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
  /** What was in force when the page was last told. */
  let before: Outcome = core.turn ? decide(boot, undefined, gate.signal) : core.outcome;
  /** Takes the last word on a choice away. */
  let hush = (): void => {};
  /** A choice is being taken back. */
  let undoing = false;
  /** The turn that took back the very first choice: once it is recorded, nothing was ever decided. */
  let blank = -1;
  /** How to load the page anew, once the decision is recorded and the browser's copy of the script knows of it. */
  let later: (() => void) | undefined;
  /** Decisions are told of before they are answered. */
  let attached = false;
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
          const c = [...standing(gate.decision, gate.signal)];
          for (const i of vendor < 0 ? of : [categories.length + 1 + vendor]) c[i] = '1';
          gate.decide(c.join(''), 'save', 'placeholder');
        };
        placeholders.set(el, layers.placeholder(el, of[0]!, vendor, allow, gate.signal));
      }
    }
  };

  /** So that the next page view gets what is right for it from the cache. Resolves with whether the server answered. */
  const refresh = (): Promise<boolean> =>
    fetch(head.src, { cache: 'reload', credentials: 'include', mode: 'no-cors', keepalive: true }).then(
      () => true,
      () => false,
    );
  const refreshed = (): void => void refresh().then(() => later?.());

  /** Another tab decided, or had its decision answered. */
  const adopt = (next: Decision): void => {
    if (VOLENTI.age) next = mature(boot, next);
    if (next.n !== notice || next.u <= Date.now() / 1e3) return;
    // The tab that tells has stored it: to store it again could bring back what it has forgotten since.
    if (next.c === gate.decision?.c) {
      core.outcome = { ...core.outcome, decision: { ...next, k: Math.max(next.k ?? next.a, gate.decision.k ?? 0) } };
      core.changed?.();
      if (VOLENTI.reload && later && !next.p) refreshed();
    } else if (next.a >= (gate.decision?.a ?? 0)) core.apply(next);
  };
  const tellTabs = follow(adopt);

  const send = report(base, {
    get: () => gate.decision,
    put(next, text) {
      core.keep(next);
      tellTabs(next);
      if (next.p) return;
      receipt = text;
      if (blank === core.turn) {
        forget();
        expire(name);
      }
      emit('recorded', api.state);
      if (later) refreshed();
      else (window.requestIdleCallback ?? setTimeout)(refreshed);
    },
    drop: forget,
    answer(sent) {
      const mine = core.sent?.[0].id === sent.id && core.sent !== answered ? core.sent : undefined;
      answered = mine ?? answered;
      return mine?.[1];
    },
  });

  const second = (): Promise<Second> => import(`${base}/b/${VOLENTI.site}/${VOLENTI.settingsDigest}.js`);
  const calls = new Set<() => void>();
  Object.assign(gate, {
    changed(call) {
      calls.add(call);
      return () => calls.delete(call);
    },
    async receipt() {
      const { r, p } = gate.decision ?? {};
      if (p || receipt || !r) return receipt || undefined;
      const answer = await fetch(`${base}/v1/sites/${VOLENTI.site}/receipts/${r}`, { credentials: 'include' });
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

  const clean = (): void => {
    if (gate.decision) sweep(() => gate.now);
  };

  /** Takes a choice back, as a decision of its own. Without a way back nothing is granted, and the visitor is asked again. */
  const undo = (back: Back | undefined, surface: Surface): void => {
    undoing = true;
    // Nothing comes back that was not in force before.
    if (VOLENTI.age && back) gate.ofAge = true;
    if (!back) blank = core.turn + 1;
    gate.decide(back?.c ?? all('0'), back?.action ?? 'withdraw', surface);
    undoing = false;
    if (!back) before = { ...before, decision: undefined };
    if (!back || core.outcome.ask) core.close?.(true);
    // A page that was loaded anew has no first layer to show: the next one has.
    if (VOLENTI.reload && !back && !core.close) later = leave;
  };

  /** After every change, and once for what changed before this was there. */
  const changed = (): void => {
    place();
    run();
    calls.forEach((call) => guard(call)());
    if (core.turn === turn) return;
    turn = core.turn;
    receipt = '';
    const was = before;
    before = core.outcome;
    const mine = gate.decision?.p?.at(-1);
    const own = mine && mine.id === core.sent?.[0].id;
    const h = held(gate.decision?.h ?? was.decision?.h, was.now, gate.now);
    if (own && h.includes('1')) core.keep({ ...gate.decision!, h });
    if (mine) tellTabs(gate.decision!);
    // A signal that was applied is shown, until the visitor has seen it.
    if (mine?.action !== 'signal' && !core.outcome.ask) settle();
    const undone = undoing;
    const back = restore(was);
    const surface = VOLENTI.share && own && mine.action === 'share' ? 'banner' : own && mine.surface !== 'api' && mine.surface !== 'signal' ? mine.surface : undefined;
    const signal = own && mine.surface === 'signal' && !core.close;
    if (!undone) {
      hush();
      if (signal) hush = layers.say(gate, { signal });
      if (surface)
        hush = layers.say(gate, {
          undo: mine!.action === 'acknowledge' ? undefined : () => undo(back, surface),
          remains: lost(was.now, gate.now).includes('1'),
          ...(VOLENTI.share && mine!.action === 'share' ? { from: head.handed![1] } : {}),
        });
    }
    afterPaint(clean);
    if (VOLENTI.reload) {
      const how = core.passing ? undefined : stuck(core);
      const reload = how && (() => leave(surface && blank !== turn ? { surface, undone, back } : undefined));
      later = reload;
      // What nobody marked is held by what the server answers, so that has to know first.
      if (how === 'marked') setTimeout(() => later === reload && reload!(), 3e3);
      if (reload && !gate.decision?.p) refreshed();
    }
    // Until the server has recorded it, its cookie and the browser's copy of the script are of a decision that allowed more,
    // and the next page would run what nobody marked before the gate is there. Without a cookie all is held at once.
    if ([...was.now].some((x, i) => x === '1' && gate.now[i] === '0')) {
      if (own && attached) expire(name);
      void refresh().then((ok) => ok && blank !== core.turn && later?.());
    }
    // Tags that run already may write again what was deleted.
    setTimeout(clean, 2e3);
    emit('decision', api.state);
    if (gate.now !== was.now) emit('change', api.state);
    sendOurs();
  };

  /** What changed since this visitor was told last, once. That it was shown and read is recorded; it decides nothing. */
  const tellChanges = async (told: number): Promise<void> => {
    const { note } = await second();
    const remove = await note(gate, told, (action, mark) => {
      const { decision } = gate;
      if (!decision) return;
      const sent = draft(boot, all('-'), action, 'change', decision.r);
      core.keep({ ...decision, ...mark, p: [...(decision.p ?? []), sent] });
      tellTabs(gate.decision!);
      void send();
    });
    // Also where it was read in another tab.
    const stop = gate.changed(() => {
      if ((gate.decision?.k ?? 0) < boot.h!) return;
      stop();
      remove();
    });
  };

  // Where a decision was made already, it takes the rest to add to it.
  core.hold = (c, a, before) => (before ? holdPart(boot, c, a, before) : hold(boot, c, a));
  const offer = (): void => {
    const open = part(boot, gate.decision);
    if (open.length)
      gate.part = {
        text: layers.part(gate, open),
        answer: (choice) => gate.decide(fill(standing(gate.decision, gate.signal), open, choice), 'save', 'banner'),
      };
  };
  offer();

  const api = createApi(gate, () => core.close?.());
  publish(api);
  const kept = read();
  if (kept) adopt(kept);
  core.changed = guard(changed);
  core.changed();
  attached = true;
  if (!core.close) settle();
  clean();
  addEventListener('pagehide', clean);
  page.addEventListener('visibilitychange', clean);
  addEventListener('online', send);
  addEventListener('pageshow', (e) => {
    const back = e.persisted && read();
    if (back) adopt(back);
  });
  if (VOLENTI.share) {
    depart(core);
    if (head.handed) core.arrived = takeOver(core).then(offer, warn);
  }
  if (VOLENTI.registered) register(core);
  run();
  if (VOLENTI.reload) {
    const note = arrive();
    if (note && !core.turn && gate.decision)
      hush = layers.say(gate, {
        undone: note.undone,
        undo: note.undone ? undefined : () => undo(note.back, note.surface),
        remains: gate.decision.h?.includes('1') ?? false,
      });
  }
  emit('ready', api.state);
  sendOurs();
  const { ask, decision } = core.outcome;
  const signal = gate.signal && !core.turn && decision ? overrule(boot, decision) : undefined;
  if (signal) gate.decide(signal, 'signal', 'signal');
  const told = gate.decision?.k ?? gate.decision?.a;
  if (!ask && boot.h! > told!) tellChanges(told!).catch(warn);
};
