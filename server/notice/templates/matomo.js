// id: address of the installation without scheme, and the number of the site: "stats.shop.example/3".
(id, load, w) => {
  const cut = id.lastIndexOf('/');
  const base = 'https://' + id.slice(0, cut) + '/';
  const paq = (w._paq = w._paq || []);
  paq.push(['setTrackerUrl', base + 'matomo.php']);
  paq.push(['setSiteId', id.slice(cut + 1)]);
  paq.push(['trackPageView']);
  paq.push(['enableLinkTracking']);
  load(base + 'matomo.js');
}
