import { choices as choicesLabel, reopen as reopenLabel } from 'volenti:wording';
import { page } from '../gate/page';
import { dress, place } from './dom';
import icon from './icon.css';
import type { Gate } from '../gate/types';
import css from './reopen.css';

/**
 * The control that opens the choices again, on every page (GDPR Art. 7(3)). `choices`: the law asks for a
 * "Your Privacy Choices" link with its icon. Returns how to take it away; a site with a control of its own has none of ours.
 * It is part of the smallest script, so it stands without most of what the layers stand on.
 */
export const reopen = (gate: Pick<Gate, 'settings' | 'warm'>, choices?: boolean): (() => void) => {
  const button = page.createElement('button');
  const host = dress(
    page.createElement('volenti-reopen'),
    `${css}${choices ? icon : ''}button{inset-inline-${VOLENTI.reopenAt}:12px;color-scheme:${VOLENTI.scheme}}`,
    button,
  );
  button.part.add('button');
  button.textContent = choices ? choicesLabel : reopenLabel;
  button.onclick = () => gate.settings(button);
  button.onpointerenter = button.onfocus = () => gate.warm();
  if (VOLENTI.reopenAt !== 'none') place(host);
  return () => host.remove();
};
