import { adapters } from 'volenti:adapters';
import { createBlock } from '../gate/block';
import { resolve } from '../gate/decide';
import { createHead } from '../gate/head';
import { guard, warn, whenShown } from '../gate/page';
import { name } from '../gate/remember';
import type { Decision } from '../gate/types';
import { insist } from '../gate/whole';

// For a visitor who decided, and refused something: what nobody marked is held from the first moment on. The gate judges
// in full. Until then the server's answer counts where the page keeps the same, and else all is refused: it may be a cached one.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  const { c, s } = head.boot;
  let same = false;
  try {
    same = localStorage.getItem(name)!.includes(`"c":"${c}"`);
  } catch {
    // Nothing is kept, or can't be read.
  }
  (head.block = createBlock(head)).update(resolve(head.boot, { c: same ? c! : c!.replace(/[-1]/g, '0'), s: s ?? 0, e: 'e' } as Decision, head.signal));
  whenShown(() => {
    insist(head)
      .then((gate) => gate.start(head))
      .catch(warn);
  });
})();
