import { like, unasked } from 'volenti:notice';
import { isChoices, type Outcome } from './decide';
import { name } from './remember';
import type { Action, Choices, Surface } from './types';

/** A decision that leads back to one that was in force before. */
export interface Back {
  readonly c: Choices;
  readonly action: Action;
}

const actions: readonly Action[] = ['save', 'withdraw', 'acknowledge'];

/**
 * What restores an outcome: exactly its choices, but no grant that did not count then, because a signal was on. Undefined
 * where there was nothing to go back to: nothing was decided, or only read where the law wants an answer.
 */
export const restore = ({ decision, now, ask }: Outcome): Back | undefined => {
  const answered = decision && [...decision.c].some((choice, i) => '01'.includes(choice) && like[i] !== 'n');
  if (!decision || (ask && !answered)) return undefined;
  const c = [...decision.c].map((choice, i) => (choice === '1' && now[i] === '0' ? '0' : choice)).join('');
  const grants = [...c].some((choice, i) => choice === '1' && like[i] !== 'n');
  return { c, action: c === unasked ? 'acknowledge' : grants ? 'save' : 'withdraw' };
};

/** What a page that is loaded anew still has to say of the choice that was made before. */
export interface Note {
  readonly surface: Surface;
  /** The choice was an undo itself. */
  readonly undone: boolean;
  readonly back: Back | undefined;
}

/** Loads the page anew: the only way to stop a tag that can't be unloaded. */
export const leave = (note?: Note): void => {
  try {
    if (note) sessionStorage.setItem(name, JSON.stringify(note));
  } catch {
    // Then the page comes back and says nothing.
  }
  location.reload();
};

/** What the page before had to say, once. */
export const arrive = (): Note | undefined => {
  try {
    const { back, ...note } = JSON.parse(sessionStorage.getItem(name)!) as Note;
    sessionStorage.removeItem(name);
    return { ...note, back: back && isChoices(back.c) && actions.includes(back.action) ? back : undefined };
  } catch {
    return undefined;
  }
};
