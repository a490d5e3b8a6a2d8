import { adapters } from 'volenti:adapters';
import { surface } from 'volenti:surface';
import { createEarlyGate } from '../gate/early';
import { createHead, judge } from '../gate/head';
import { afterPaint, guard, whenShown } from '../gate/page';
import { ask } from '../ui/ask';

// For a visitor who must be asked: asks first, and fetches the gate once that is painted.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  whenShown(() => {
    const outcome = judge(head);
    const early = createEarlyGate(head, outcome);
    if (outcome.ask || outcome.signal) head.close = ask(early.gate);
    // Before opt-in there is nothing to release.
    if (surface === 'opt-in') afterPaint(early.fetch);
    else early.fetch();
  });
})();
