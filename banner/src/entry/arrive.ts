import type { Core } from '../gate/core';
import { ask } from '../ui/ask';

/** How long the first layer waits for a choice that was handed over, in milliseconds. */
const patience = 3000;

/** Asks only what a choice that was handed over leaves open. Compiled in only where a notice shares decisions (VOLENTI.share). */
export const arriving = async (core: Core): Promise<void> => {
  await Promise.race([core.rest().then(() => core.arrived), new Promise((done) => setTimeout(done, patience))]);
  const { ask: must, signal, decision } = core.outcome;
  if (core.close) return;
  if (must || (signal && !decision)) core.close = ask(core.gate);
  // Taken back, it leaves the question that was not asked.
  else core.close = (again) => again && (core.close = ask(core.gate));
  if (signal) core.gate.decide(signal, 'signal', 'signal');
};
