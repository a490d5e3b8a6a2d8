import { adapters } from 'volenti:adapters';
import { createBlock } from '../gate/block';
import { createCore, fetchGate } from '../gate/core';
import { createHead, judge } from '../gate/head';
import { guard, warn, whenShown } from '../gate/page';
import { hasCookie } from '../gate/remember';
import { ask } from '../ui/ask';
import { arriving } from './arrive';

// For a visitor who must be asked: everything that takes is in here, so that one answer of the server is enough.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  // At once, also in a page that is rendered ahead.
  if (VOLENTI.blocking) (head.block ??= createBlock(head)).update(judge(head).now);
  whenShown(() => {
    // A cookie that this answer knows nothing of is newer than it: somebody decided on a sister host, and this is cached.
    if (!head.fresh && !head.boot.x && !head.boot.c && judge(head).ask && hasCookie()) {
      fetchGate(head, 0).then((gate) => gate.start(head), warn);
      return;
    }
    const core = createCore(head, adapters);
    if (VOLENTI.share && head.handed) {
      arriving(core).catch(warn);
      return;
    }
    const { ask: must, signal } = core.outcome;
    // Where something was decided before, only the rest knows what is to be asked.
    if (core.outcome.decision)
      void core.rest().then(
        guard(() => {
          if (core.whole && !core.close && core.outcome.ask) core.close = ask(core.gate);
        }),
      );
    else if (must || signal) core.close = ask(core.gate);
    if (signal) core.gate.decide(signal, 'signal', 'signal');
    // Tags marked for other banners, and those of the server, are the rest's to find, and here they may load at once.
    if (VOLENTI.surface !== 'opt-in' || (VOLENTI.registered && /[on]/.test(boot.m))) void core.rest();
  });
})();
