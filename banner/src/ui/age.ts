import { of_age, of_age_first } from 'volenti:wording';
import { asked, grants } from '../gate/age';
import type { Gate } from '../gate/types';
import boxSheet from './age.css';
import { h } from './dom';

// Compiled in only where a notice asks how old visitors are (VOLENTI.age).

export { boxSheet };

const confirmed = (gate: Gate): boolean => !!gate.ofAge || grants(gate.decision?.c);

/**
 * The box, not ticked, in which the visitor says to be old enough, to stand above the buttons of a layer; empty where he
 * has said so already. It is part of a shadow root, out of reach of the page's styles. Refusing needs no tick. What is
 * ticked is known to this page only, until it is part of a decision.
 */
export const box = (gate: Gate): Node => {
  const input = h('input', {
    type: 'checkbox',
    'data-volenti': 'age',
    'aria-describedby': 'first',
    onchange: () => {
      gate.ofAge = input.checked;
      first.textContent = '';
    },
  });
  const first = h('p', { id: 'first', role: 'alert' });
  return h(
    'div',
    { className: 'box' },
    ...(confirmed(gate) ? [] : [h('label', { className: 'age', part: 'age' }, input, of_age.replace('{age}', () => String(asked(gate.boot)))), first]),
  );
};

/** Whether the visitor has said so. If not, that is said beside the box of the host's root, which gets the focus. */
export const sure = (gate: Gate, { shadowRoot }: Element): boolean => {
  if (confirmed(gate)) return true;
  shadowRoot!.querySelector('#first')!.textContent = of_age_first;
  shadowRoot!.querySelector<HTMLElement>('[data-volenti=age]')!.focus();
  return false;
};
