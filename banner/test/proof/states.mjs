// Who was seen in which state to do what: the table that is printed at the end, and what a test fails with.
import { snippets } from './snippets.mjs';

/** In the order of a visit. "view" is another view of an application, which puts the snippet into the page once more. */
const order = ['before', 'no', 'no, view', 'no, next', 'yes', 'yes, view', 'yes, next', 'second tab', 'analytics', 'marketing', 'preferences', 'withdrawn', 'withdrawn, next'];

/** `s` is the stage; `how` the snippets stand in the page: "live" or "marked". */
export const createStates = (s, how) => {
  const verdicts = new Map(); // snippet → state → verdict
  const silent = new Set();

  return {
    how,
    silent,
    /** Judges all of a group in one state. `judge(snippet)` is what is wrong with it, or nothing. */
    judge(state, group, judge) {
      if (!order.includes(state)) throw new Error('a state that the table does not have: ' + state);
      const wrong = [];
      for (const snippet of group) {
        const what = judge(snippet);
        if (what?.length) wrong.push(`${snippet.key}, ${state}: ${[what].flat().join(' | ')}`);
        if (!verdicts.has(snippet.key)) verdicts.set(snippet.key, new Map());
        if (what?.length || !verdicts.get(snippet.key).has(state)) verdicts.get(snippet.key).set(state, what?.length ? 'WRONG' : 'ok');
      }
      return wrong;
    },
    /** What reached whom should not be reached. `may`: addresses that are no fault. */
    sent: (snippet, may = []) => s.trail(snippet).filter((address) => !may.some((start) => address.startsWith(start))),
    /** The table, a line each. */
    table() {
      const width = Math.max(...snippets.map(({ key }) => key.length));
      return [
        `${''.padEnd(width)}  ${order.join('  ')}`,
        ...[...verdicts].map(([key, of]) => `${key.padEnd(width)}  ${order.map((state) => (of.get(state) ?? '–').padEnd(state.length)).join('  ')}`),
      ];
    },
  };
};
