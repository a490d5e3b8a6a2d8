import { adapters } from 'volenti:adapters';
import { createHead } from '../gate/head';
import { guard, warn, whenShown } from '../gate/page';
import { insist } from '../gate/whole';

// For a visitor whose decision is known: what can't wait. All else is the gate's, which is in the browser's cache.
guard(() => {
  const head = createHead(boot, adapters);
  if (head)
    whenShown(() => {
      insist(head)
        .then((gate) => gate.start(head))
        .catch(warn);
    });
})();
