import { adapters } from 'volenti:adapters';
import { createCore } from '../gate/core';
import { createHead } from '../gate/head';
import { afterPaint, guard, whenShown } from '../gate/page';
import { ask } from '../ui/ask';

// For a visitor who must be asked: everything that takes is in here, so that one answer of the server is enough.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  whenShown(() => {
    const core = createCore(head, adapters);
    const { ask: must, signal } = core.outcome;
    if (must || signal) core.close = ask(core.gate);
    if (signal) core.gate.decide(signal, 'signal', 'signal');
    // Tags marked for other banners are the rest's to find, and here they may load at once.
    if (VOLENTI.surface !== 'opt-in') afterPaint(core.rest);
  });
})();
