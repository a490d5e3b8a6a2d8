// id: the domain, or the name of the site's own script, "pa-…".
(id, load, w) => {
  const plausible = (w.plausible = w.plausible || function () { (w.plausible.q = w.plausible.q || []).push(arguments); });
  if (!id.startsWith('pa-')) return load('https://plausible.io/js/script.js', undefined, { 'data-domain': id });
  plausible.init = plausible.init || ((options) => { plausible.o = options || {}; });
  plausible.init();
  load('https://plausible.io/js/' + id + '.js');
}
