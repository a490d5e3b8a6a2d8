import type { Core } from './core';
import { guard } from './page';
import { standing, without } from './part';
import { forget, read, write } from './remember';

// An opt-out that was made on the server's page and is carried here, to a website that has the script from a foreign host.

/** What stands before the pass in the address. It is no choice that was handed over (handed.ts). */
const carried = /^#opt-out-volenti=([\w-]+)$/;

/**
 * Takes a pass out of this page's address, opts out, and once that is recorded leads back to where it was made. It only ever
 * takes away: whoever was given such an address by a stranger is opted out while this page stands, since the server knows
 * nothing of the pass. Until it has answered nothing is released in a page that is only passed through.
 */
export const carry = (core: Core, release: () => void): void => {
  const [, pass] = carried.exec(location.hash) ?? [];
  if (!pass) {
    release();
    return;
  }
  const { gate } = core;
  const before = read();
  guard(() => history.replaceState(history.state, '', location.pathname + location.search))();
  core.passing = true;
  gate.decide(without(standing(gate.decision, gate.signal)), 'signal', 'signal');
  // It is not sent before all that follows from it in this page is done, so the pass can still go along.
  const decision = gate.decision!;
  Object.assign(decision.p?.at(-1) ?? {}, { handover: pass });
  write(decision);
  const stop = gate.changed(() => {
    const { p, r } = gate.decision!;
    if (p) return;
    setTimeout(stop);
    if (r) location.replace(`${core.head.base}/opt-out/back/${VOLENTI.site}/${pass}`);
    else {
      if (before) write(before);
      else forget();
      release();
    }
  });
};
