// Which branches of the gate's judgement no unit test takes, by V8's own count. Each test is a bundle, in which a source
// stands behind a comment with its name; names that clash there get a number, which is left out of account.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Sources of which every branch is to be taken. */
const judged = ['gate/decide.ts', 'gate/remember.ts', 'gate/signals.ts'];

/** What a constant of the tests' notice decides, so that it can't run: by the source's name. */
const never = { 'gate/signals.ts': [': gpc()'] };

/** A bundle's declarations, of which each test has only those it needs: where each stands, and of which source it is. */
const declarations = (text) => {
  let name = '';
  const marks = [...text.matchAll(/^(?:\/\/ (\S+)|(?:var|async function|function) \w+.*)$/gm)].map((mark) => ((name = mark[1] ?? name), { name, at: mark.index, from: mark.index + (mark[1] ? mark[0].length : 0) }));
  return marks.map((mark, i) => ({ ...mark, to: marks[i + 1]?.at ?? text.length }));
};

/** Prints what is not taken; true where there is nothing. */
export const unseen = (folder, outdir) => {
  /** By source: its text, and for each character whether some test ran it. */
  const all = new Map();
  for (const file of readdirSync(folder)) {
    for (const { url, functions } of JSON.parse(readFileSync(join(folder, file), 'utf8')).result) {
      if (!url.startsWith('file:') || !fileURLToPath(url).startsWith(outdir)) continue;
      const text = readFileSync(join(outdir, basename(url)), 'utf8');
      const ran = new Uint8Array(text.length).fill(1);
      // Outer ranges come before those within them.
      for (const { startOffset, endOffset, count } of functions.flatMap((f) => f.ranges).sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)) ran.fill(count ? 1 : 0, startOffset, endOffset);
      for (const { name, from, to } of declarations(text)) {
        const which = judged.find((source) => name.endsWith('src/' + source));
        if (!which) continue;
        const skip = new Set();
        for (const { index, 0: match, 1: word } of text.slice(from, to).matchAll(/\b([A-Za-z_$]+)\d+\b/g)) for (let i = index + word.length; i < index + match.length; i++) skip.add(i);
        const kept = [...Array(to - from).keys()].filter((i) => !skip.has(i));
        const plain = kept.map((i) => text[from + i]).join('').trimEnd();
        const key = which + '\n' + plain;
        const bits = (all.has(key) ? all : all.set(key, new Uint8Array(plain.length))).get(key);
        kept.slice(0, plain.length).forEach((i, at) => (bits[at] |= ran[from + i]));
      }
    }
  }
  let whole = true;
  for (const which of judged) {
    const found = [...all].filter(([key]) => key.startsWith(which + '\n'));
    let [run, of] = [0, 0];
    for (const [key, bits] of found) {
      const text = key.slice(which.length + 1);
      const missed = [];
      for (let i = 0; i < text.length; i++) {
        if (bits[i]) continue;
        const from = i;
        while (i < text.length && !bits[i]) i++;
        const what = text.slice(from, i).replace(/\s+/g, ' ').trim();
        if (/\w/.test(what) && !what.startsWith('//') && !never[which]?.includes(what)) missed.push(what);
      }
      for (const what of missed) console.log(`${which}: no test runs: ${what}`);
      run += bits.reduce((n, bit) => n + bit, 0);
      of += bits.length;
      whole &&= !missed.length;
    }
    console.log(`${which}: ${run} of ${of} characters run`);
    if (!found.length) whole = console.log(`${which}: no test has it`) ?? false;
  }
  return whole;
};
