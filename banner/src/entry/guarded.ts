import { adapters } from 'volenti:adapters';
import { createBlock } from '../gate/block';
import { createHead, judge } from '../gate/head';
import { guard, warn, whenShown } from '../gate/page';
import { insist } from '../gate/whole';

// For a visitor who decided, and refused something: what nobody marked is held from the first moment on.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  (head.block = createBlock(head)).update(judge(head).now);
  whenShown(() => {
    insist(head)
      .then((gate) => gate.start(head))
      .catch(warn);
  });
})();
