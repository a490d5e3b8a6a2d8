import { adapters } from 'volenti:adapters';
import { createHead } from '../gate/head';
import { guard, whenShown } from '../gate/page';
import { begin } from '../gate/whole';

// For a visitor whose decision is known: what can't wait. All else is the gate's, which is in the browser's cache.
guard(() => {
  const head = createHead(boot, adapters);
  if (head) whenShown(() => begin(head));
})();
