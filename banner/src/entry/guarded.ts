import { adapters } from 'volenti:adapters';
import { createBlock } from '../gate/block';
import { createHead, told } from '../gate/head';
import { guard, whenShown } from '../gate/page';
import { name } from '../gate/remember';
import { begin } from '../gate/whole';

// For a visitor who decided, and refused something: what nobody marked is held from the first moment on. The gate judges
// in full. Until then the server's answer counts where the page keeps the same, and else all is refused: it may be a cached one.
guard(() => {
  const head = createHead(boot, adapters);
  if (!head) return;
  const { c, q } = head.boot;
  let same = false;
  try {
    same = localStorage.getItem(name)!.includes(`"c":"${c}"`);
  } catch {
    // Nothing is kept, or can't be read.
  }
  (head.block = createBlock(head)).update(told(head.boot, head.signal, same ? q : undefined));
  whenShown(() => begin(head));
})();
