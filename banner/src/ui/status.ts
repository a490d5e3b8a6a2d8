import { pending, recorded } from 'volenti:wording';
import type { Gate } from '../gate/types';
import { dress, h, place } from './dom';
import css from './status.css';
import { look } from './theme';

/**
 * Says, to eye and screen reader, that the choice just made is recorded; or, if the server has not answered after two
 * seconds, that it applies already. The region stands empty first: text that comes with its live region is not read out.
 */
export const say = (gate: Gate): void => {
  const line = h('div', { role: 'status' });
  const host = place(dress(h('volenti-status'), css + look, line));
  const tell = (otherwise: string): void => {
    const text = gate.decision?.r ? recorded : otherwise;
    if (text !== line.textContent) line.textContent = text;
  };
  const stop = gate.changed(() => tell(line.textContent));
  setTimeout(tell, 2000, pending);
  setTimeout(() => {
    stop();
    host.remove();
  }, 8000);
};
