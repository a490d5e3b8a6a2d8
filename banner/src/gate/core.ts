import { notice } from 'volenti:notice';
import type { VolentiCommand } from '../../volenti';
import { asked, grants } from './age';
import type { Adapter } from './adapter';
import { decide, hold as until, type Outcome } from './decide';
import { watch } from './gated';
import { found, judge, publish, type Head, type Queue } from './head';
import { afterPaint, guard, page, warn } from './page';
import type { Engine, Rules } from './release';
import { name, read, write } from './remember';
import { draft, post } from './send';
import { state } from './state';
import { allows } from './tags';
import type { Action, Choices, Decision, Gate, Sent, Surface } from './types';

/**
 * What a page needs at once: judges, holds, tells the adapters, remembers, sends. The engine that releases, and the rest of
 * the gate (rest.ts), attach to it and are compiled apart: no name in here may be mangled. Until they have come everything
 * gated stays shut.
 */
export interface Core {
  readonly head: Head;
  /** What the ui sees. `changed` comes with the rest. */
  readonly gate: Gate;
  outcome: Outcome;
  /** How many decisions were made in this page, or followed. */
  turn: number;
  /** The decision of this page that was sent last, and its answer. */
  sent?: readonly [Sent, Promise<Response>];
  /** What is asked of window.volenti and waits for the rest. */
  readonly queue: VolentiCommand[];
  /** Frames that are held back. */
  readonly frames: Set<HTMLElement>;
  /** Elements that let scripts run in this page; kept only where some vendor's can't be unloaded. */
  readonly ran?: Set<Element>;
  /** Takes the first layer away, where there is one, or shows it again. */
  close?: (again?: boolean) => unknown;
  /** Sends for what holds unmarked tags, if something may not load. */
  late?: () => void;
  /** The rest's, called after every change. */
  changed?: () => void;
  /** Once a decision that was handed over is taken over, or is not (VOLENTI.share); the rest's. */
  arrived?: Promise<void>;
  /** This page is left as soon as the decision is recorded that was carried here; the rest's. */
  passing?: boolean;
  /** The rest is there. */
  whole: boolean | undefined;
  /** Until when a new decision counts. `before`: it is about one thing only, and what that one granted besides is not prolonged; the rest knows how. */
  hold(c: Choices, a: number, before?: Decision): { readonly u: number; readonly w?: number };
  /** Starts the engine, which releases what is allowed from then on. */
  engage(createEngine: (rules: Rules) => Engine): void;
  /** Puts a decision in force: everything that depends on it follows. */
  apply(decision: Decision): void;
  /** Keeps what says the same as the decision in force and is newer. */
  keep(decision: Decision): void;
  /** Sends for the rest, unless it is there. */
  rest(): Promise<void>;
}

/** The module entry/gate.ts. */
export interface GateModule {
  /** The whole gate, for a script that has none of it. */
  start(head: Head): void;
  /** The rest of it, for a script that has the core. */
  attach(core: Core): void;
}

/** The gate's module. A browser remembers that a module failed, so another try has another address. */
export const fetchGate = ({ base }: Head, tries: number): Promise<GateModule> =>
  import(`${base}/b/${VOLENTI.site}/${VOLENTI.gateDigest}.js?${tries}`) as Promise<GateModule>;

/** `whole`: the rest is about to attach, so nobody need send for it. */
export const createCore = (head: Head, adapters: readonly Adapter[], whole?: boolean): Core => {
  const { boot, base, nonce, signal, trust } = head;
  let engine: Engine | undefined;
  let coming: Promise<void> | undefined;
  let tries = 0;

  /** Has the gate fetched, which does nothing yet: to attach it takes a moment, which nobody wants between a click and what is seen of it. A try that fails makes a new address, and costs no patience. */
  const ahead = (): void => {
    if (!core.whole) fetchGate(head, tries).catch(() => void (coming || (tries += 0.01)));
  };

  const adapt = (): void => {
    if (core.outcome.decision) for (const adapter of adapters) guard(adapter.change)(core.outcome.now);
  };

  /** Before anything else that a change of what may load brings about. */
  const hold = (): void => {
    if (!VOLENTI.blocking) return;
    head.block?.update(core.outcome.now);
    core.late?.();
  };

  const queue = found() as Queue;
  const core: Core = {
    head,
    outcome: judge(head),
    turn: 0,
    queue: queue.splice(0),
    whole,
    frames: new Set<HTMLElement>(),
    ...(VOLENTI.reload ? { ran: new Set<Element>() } : {}),
    hold: (c, a) => until(boot, c, a),
    apply(next) {
      if (VOLENTI.age && (grants(core.gate.decision?.c) || grants(next.c))) core.gate.ofAge = true;
      core.outcome = decide(boot, next, signal);
      core.turn++;
      hold();
      adapt();
      ahead();
      core.changed?.();
      // The frame after a click is painted before anything else is done, and before tags run.
      afterPaint(() => {
        engine?.update();
        void core.rest();
      });
    },
    keep(next) {
      core.outcome = { ...core.outcome, decision: next };
      write(next);
      core.changed?.();
    },
    engage(createEngine) {
      stop?.();
      engine = createEngine({
        allowed: (el) => allows(core.outcome.now, el),
        held(el, ran) {
          if (VOLENTI.reload && ran) core.ran!.add(el);
          if (!(el instanceof HTMLIFrameElement) || core.frames.has(el)) return;
          core.frames.add(el);
          core.changed?.();
        },
        nonce,
        trust,
        mine: (el) => !!VOLENTI.blocking && !!head.block?.mine.has(el as HTMLElement),
      });
    },
    rest: async () =>
      core.whole
        ? undefined
        : (coming ??= fetchGate(head, tries).then(
            (module) => module.attach(core),
            (e) => {
              coming = undefined;
              // What was allowed waits for it, so it is asked for again; who wants it sooner asks at once.
              if (tries < 4) setTimeout(core.rest, 2e3 << (2 * tries));
              tries++;
              warn(e);
            },
          )),
    gate: {
      boot,
      base,
      nonce,
      signal,
      get decision() {
        return core.outcome.decision;
      },
      get now() {
        return core.outcome.now;
      },
      decide(c: Choices, action: Action, surface: Surface) {
        const { decision } = core.outcome;
        // However it was asked for: who has not confirmed his age does that first.
        if (VOLENTI.age && action !== 'signal' && grants(c) && !core.gate.ofAge && !grants(decision?.c)) {
          core.gate.settings();
          return;
        }
        // Later than every decision known, whatever the clock says: the newer one counts.
        const a = Math.max(Math.floor(Date.now() / 1e3), (decision?.a ?? 0) + 1);
        const sent = draft(boot, c, action, surface, decision?.r);
        const next: Decision = {
          v: 1,
          c,
          n: notice,
          a,
          ...core.hold(c, a, action === 'signal' || (action === 'save' && surface !== 'settings') ? decision : undefined),
          k: boot.n,
          ...(VOLENTI.age ? { y: grants(c) ? asked(boot) : 0 } : {}),
          s: signal ? 1 : 0,
          e: action === 'acknowledge' ? 'i' : action === 'signal' ? (decision?.e ?? 'i') : 'e',
          p: [...(decision?.p ?? []), sent],
        };
        write(next);
        // A signal is sent on every page. Where nothing can be kept it is obeyed on every page, and not recorded on each.
        if (action === 'signal' && !read() && !navigator.cookieEnabled) {
          const { p: _, ...unsent } = next;
          core.apply(unsent);
          return;
        }
        core.sent = [sent, post(base, sent)];
        core.sent[1].catch(warn);
        core.apply(next);
      },
      settings: (from) => void core.rest().then(() => core.whole && core.gate.settings(from)),
      ahead,
      warm: () => void core.rest().then(() => core.whole && core.gate.warm()),
    } as Gate,
  };
  hold();
  adapt();

  // Until the rest is there window.volenti knows what is in force, and what is asked of it, or of the queue it was, sends for the rest.
  queue.push = (...commands: VolentiCommand[]) => {
    const length = core.queue.push(...commands);
    void core.rest();
    if (core.whole) core.changed?.();
    return length;
  };
  publish({
    ...queue,
    get state() {
      return state(core.gate);
    },
  });

  // What may load already waits for the engine, and a frame for its placeholder.
  const stop = whole ? undefined : watch((el) => {
    if (el instanceof HTMLIFrameElement || allows(core.outcome.now, el)) void core.rest();
  });
  // What another tab decides, and what was decided while this page was put by, is the rest's to follow.
  addEventListener('storage', (e) => e.key === name && core.rest());
  addEventListener('pageshow', (e) => e.persisted && core.rest());
  page.addEventListener(
    'click',
    guard((e) => {
      const opener = e.target instanceof Element && Element.prototype.closest.call(e.target, '[data-volenti=open]');
      if (!opener) return;
      e.preventDefault();
      core.gate.settings(opener);
    }),
  );
  // An opt-out may be carried here in the page's address (carried.ts).
  if (core.queue.length || /volenti=/.test(location.href) || core.outcome.decision) void core.rest();
  return core;
};
