// What makes the console quick. Everything works without it.

// Errors of a form are read first: focus goes to their list.
document.querySelector('.wrong')?.focus();

// One menu at a time, closed by Escape and by looking elsewhere.
const where = document.querySelector('.where');
if (where) {
  document.addEventListener('click', (e) => where.contains(e.target) || (where.open = false));
  where.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape') return;
    where.open = false;
    where.querySelector('summary').focus();
  });
}

// On a small screen the menu opens when asked.
const menu = document.querySelector('.menu details');
if (menu && matchMedia('(width < 56rem)').matches) menu.open = false;

// A form is sent once: a second press while it is under way is none.
document.addEventListener('submit', (e) => {
  if ('again' in e.target.dataset) return; // what it answers is a file, and the page stays
  if (e.target.dataset.sent) return e.preventDefault();
  e.target.dataset.sent = '1';
});
addEventListener('pageshow', () => document.querySelectorAll('form[data-sent]').forEach((form) => delete form.dataset.sent));

// Copying is offered where the browser lets us; whoever has no script marks and copies.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll('button[data-copy]')) {
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = 'Copied';
      setTimeout(() => (button.textContent = label), 2000);
    });
    button.setAttribute('aria-live', 'polite');
  }
}
