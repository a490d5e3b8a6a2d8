import { styles } from './blockStyles';
import { workers } from './blockWorkers';
import { closed, construct } from './construct';
import type { Block } from './hold';
import { guard } from './page';

/**
 * What scripts rarely load by: sockets, streams, fonts, style sheets, workers. It is not in the first script, to keep that
 * small, but comes with the gate: docs/gate.md says so.
 */
export const more = (block: Block): void => {
  const { stops } = block;
  // An address that no blob has fails by itself.
  construct(block, 'EventSource', (args) => void (stops(args[0]) && (args[0] = 'blob:')));
  construct(block, 'WebSocket', ([address], { prototype }) => (stops(address) ? closed(prototype as object, String(address)) : undefined));
  guard(styles)(block);
  guard(workers)(block);
};
