import type { Outcome } from './decide';
import { fetchGate, type Head } from './head';
import { warn } from './page';
import type { Gate } from './types';

/** The gate as the first layer knows it, until the gate is there: what is asked of it waits. */
export const createEarlyGate = (head: Head, outcome: Outcome): { readonly gate: Gate; fetch(): void } => {
  const wishes: ((gate: Gate) => void)[] = [];
  let whole: Gate | undefined;
  let coming: Promise<void> | undefined;
  const fetch = (): void => {
    coming ??= fetchGate(head)
      .then((module) => {
        whole = module.start(head);
        for (const wish of wishes) if (whole) wish(whole);
      })
      .catch(warn);
  };
  const soon = (wish: (gate: Gate) => void): void => {
    if (whole) return wish(whole);
    wishes.push(wish);
    fetch();
  };
  const { boot, base, nonce, signal } = head;
  return {
    fetch,
    gate: {
      boot,
      base,
      nonce,
      signal,
      get decision() {
        return whole ? whole.decision : outcome.decision;
      },
      get now() {
        return whole ? whole.now : outcome.now;
      },
      decide: (...all) => soon((gate) => gate.decide(...all)),
      receipt: async () => whole?.receipt(),
      changed(call) {
        let stop = (): void => {};
        soon((gate) => (stop = gate.changed(call)));
        return () => stop();
      },
      settings: (from) => soon((gate) => gate.settings(from)),
    },
  };
};
