// The editor of drafts: what becomes of the words while they are typed, and words that are kept before they are lost.
// Without it, two buttons do the same.
const form = document.querySelector('form.draft');
const kept = document.querySelector('#kept');
const { action } = form ?? {};

/** Runs f when nothing has happened for a while; of calls that overlap, the last one counts. */
const settled = (wait, f) => {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(f, wait);
  };
};

/** Posts the form as it is, without files: they are sent when somebody presses the button. */
const post = (to, signal) => {
  const all = new FormData(form);
  for (const [name, value] of [...all]) if (value instanceof File) all.delete(name);
  return fetch(action + to, { method: 'POST', body: all, headers: { Accept: 'application/json' }, signal, redirect: 'error' });
};

/** What has been typed since the words were kept. */
let unkept = false;
let asking;

const look = settled(500, async () => {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await post('/look', asking.signal);
    if (!answer.ok) return;
    const { looks } = await answer.json();
    for (const [at, text] of Object.entries(looks)) {
      const place = form.querySelector(`[data-look="${CSS.escape(at)}"]`);
      // Parsed where nothing runs and nothing loads; it is what the server would have sent in the page.
      place?.replaceChildren(...new DOMParser().parseFromString(text, 'text/html').body.childNodes);
    }
  } catch (e) {
    if (e.name !== 'AbortError') say('There is no connection. Your words are still here.');
  }
});

const say = (text) => {
  if (kept.textContent !== text) kept.textContent = text;
};

let keeping = Promise.resolve();
let underWay = false;
const keep = () =>
  (keeping = keeping.then(async () => {
    if (!unkept || form.dataset.sent) return;
    unkept = false;
    underWay = true;
    try {
      const answer = await post('/autosave');
      const { revision, said } = await answer.json();
      say(said);
      if (answer.ok) form.elements.revision.value = revision;
      else unkept = true;
      // Words that somebody else has changed meanwhile are not kept by typing on: both have to be looked at.
      if (answer.status === 409) form.dataset.stale = '1';
    } catch {
      unkept = true;
      say('Not kept: there is no connection, or you are signed out. Your words are still here.');
    }
    underWay = false;
  }));
const keepSoon = settled(2500, () => form.dataset.stale || keep());

if (form && !form.querySelector('textarea[readonly][name]')) {
  form.addEventListener('input', (e) => {
    if (!e.target.name || e.target.type === 'file') return;
    unkept = true;
    if (!form.dataset.stale) say('Not kept yet');
    look();
    // After two versions of a draft met, only the button keeps.
    if (!document.querySelector('.theirs')) keepSoon();
  });
  form.addEventListener('submit', (e) => {
    if (underWay) {
      // What is being kept changes the draft's revision: the form goes after it, or it would meet itself.
      e.preventDefault();
      e.stopImmediatePropagation();
      const { submitter } = e;
      keeping.then(() => form.requestSubmit(submitter));
      return;
    }
    unkept = false;
  });
  addEventListener('beforeunload', (e) => {
    if (unkept) e.preventDefault();
  });
  // Keep with the keys that everybody presses for it.
  form.addEventListener('keydown', (e) => {
    if (e.key !== 's' || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    form.querySelector('button[value=keep]').click();
  });
}

// A day is chosen: then it is meant. What is told is asked for where somebody is told.
const day = document.querySelector('#field-day');
day?.addEventListener('input', () => {
  const at = day.form.querySelector('[name=when][value=day]');
  if (day.value) at.checked = true;
});
const material = document.querySelector('[data-shows]');
if (material) {
  const shown = document.getElementById(material.dataset.shows);
  const show = () => (shown.hidden = !material.checked);
  material.addEventListener('change', show);
  show();
}
