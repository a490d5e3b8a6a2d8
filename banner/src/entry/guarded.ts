import { adapters } from 'volenti:adapters';
import { createBlock } from '../gate/block';
import { createHead } from '../gate/head';
import { guard, whenShown } from '../gate/page';
import { begin } from '../gate/whole';

// For a visitor who decided, and refused something: what nobody marked is held from the first moment on. The gate judges in full.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  (head.block = createBlock(head)).update(head.now);
  whenShown(() => begin(head));
})();
