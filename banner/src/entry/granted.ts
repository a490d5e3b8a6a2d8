import { adapters } from 'volenti:adapters';
import { createHead } from '../gate/head';
import { guard, warn, whenShown } from '../gate/page';
import { fetchGate } from '../gate/whole';

// For a visitor who granted everything. What a page must do at once is the same: the gate does the rest.
guard(() => {
  const head = createHead(boot, adapters);
  if (head)
    whenShown(() => {
      fetchGate(head)
        .then((gate) => gate.start(head))
        .catch(warn);
    });
})();
