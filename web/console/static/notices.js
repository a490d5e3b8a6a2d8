// While a banner is being made: the page looks again by itself, in place, so that nobody loses where he was. Without
// script it is loaded anew.
const look = async () => {
  const answer = await fetch(location.href).catch(() => undefined);
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    document.querySelector('main').replaceChildren(...page.querySelector('main').childNodes);
    document.title = page.title;
  }
  if (document.querySelector('[data-under-way]')) setTimeout(look, 1000);
};
setTimeout(look, 1000);
