(id, load, w) => {
  w.dataLayer = w.dataLayer || [];
  w.dataLayer.push({ 'gtm.start': Date.now(), event: 'gtm.js' });
  load('https://www.googletagmanager.com/gtm.js?id=' + id);
}
