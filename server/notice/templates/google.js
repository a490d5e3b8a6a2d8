// GA4 and Google Ads: one gtag.js for all accounts of a page.
(id, load, w) => {
  w.dataLayer = w.dataLayer || [];
  w.gtag = w.gtag || function () { w.dataLayer.push(arguments); };
  if (!w.dataLayer.some((entry) => entry[0] === 'js')) {
    w.gtag('js', new Date());
    load('https://www.googletagmanager.com/gtag/js?id=' + id);
  }
  w.gtag('config', id);
}
