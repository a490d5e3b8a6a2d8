// The forms over a draft of a banner: what is wrong is said while one types, by the server, which reads the form as if
// it were kept. Typing never waits for it. Without script the button does the same.
const form = document.querySelector('form.parts');
const { look } = form?.dataset ?? {};
const unkept = document.querySelector('#unkept');

/** What is asked now; of requests that overlap, the last one counts. */
let asking;
let timer;

const ask = async (fair) => {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    const body = new URLSearchParams(new FormData(form));
    body.delete('do');
    if (fair) body.set('fair', 'yes');
    const answer = await fetch(look, { method: 'POST', body, signal, redirect: 'error', headers: { Accept: 'text/html' } });
    if (!answer.ok || signal.aborted) return;
    show(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    // The banner itself is judged when nobody types: that takes a second.
    if (!fair && !signal.aborted) timer = setTimeout(() => ask(true), 1200);
  } catch (e) {
    if (e.name !== 'AbortError') unkept.textContent = 'There is no connection. What you typed is still here.';
  }
};

/** Puts what the server says into the page: the list, and at each field what is wrong with it. */
const show = (page) => {
  document.querySelector('main > .wrong')?.remove(); // what was wrong when the page came; the list says it as it is now
  for (const id of ['lint', 'contrast']) {
    const [mine, theirs] = [document.getElementById(id), page.getElementById(id)];
    if (mine && theirs && mine.textContent !== theirs.textContent) mine.replaceChildren(...theirs.childNodes);
  }
  for (const field of form.querySelectorAll('[id^="field-"]')) {
    const theirs = page.getElementById(field.id);
    const box = field.closest('.field');
    if (!theirs || !box) continue;
    const mend = page.getElementById(field.id.replace('field-', 'wrong-'));
    box.querySelector('.mend')?.remove();
    if (mend) box.append(mend);
    box.classList.toggle('is-wrong', !!mend);
    for (const name of ['aria-invalid', 'aria-describedby']) {
      const value = theirs.getAttribute(name);
      if (value) field.setAttribute(name, value);
      else field.removeAttribute(name);
    }
  }
};

if (form) {
  form.addEventListener('input', (e) => {
    if (!e.target.name || e.target.name === 'add') return;
    unkept.textContent = 'Not kept yet.';
    clearTimeout(timer);
    asking?.abort();
    timer = setTimeout(ask, 400);
  });
  form.addEventListener('submit', () => {
    clearTimeout(timer);
    asking?.abort();
  });
  form.addEventListener('keydown', (e) => {
    if (e.key !== 's' || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    form.querySelector('.draft-bar button').click();
  });
}
