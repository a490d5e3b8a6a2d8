// What vendors have sites paste, in the shape of their documentation, with their own hosts. Account numbers are made up.
//
// `head` and `body` say where it goes. `own` are the addresses, by their beginning, that belong to this snippet alone.
// `beacon` is what the vendor learns by. `essential`: the page needs it to work. `apart` are addresses that are asked for
// beside the others, in no order. `hosts` is what the site says of a vendor that the catalogue does not know.

const gtag = (id, more = '') => `
<script async src="https://www.googletagmanager.com/gtag/js?id=${id}"></script>
<script>
  window.dataLayer = window.dataLayer || [];
  function gtag(){dataLayer.push(arguments);}
  gtag('js', new Date());
  gtag('config', '${id}');${more}
</script>`;

export const snippets = [
  {
    key: 'ga4',
    name: 'Google Analytics 4',
    category: 'analytics',
    head: gtag('G-PROOF00001'),
    own: ['www.googletagmanager.com/gtag/js?id=G-', 'www.google-analytics.com/'],
    beacon: 'www.google-analytics.com/g/collect',
  },
  {
    key: 'google-tag-manager',
    name: 'Google Tag Manager',
    category: 'analytics',
    head: `
<script>(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':new Date().getTime(),event:'gtm.js'});var f=d.getElementsByTagName(s)[0],
j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;j.src='https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);
})(window,document,'script','dataLayer','GTM-PROOF01');</script>`,
    body: `<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-PROOF01" height="0" width="0" style="display:none;visibility:hidden"></iframe></noscript>`,
    own: ['www.googletagmanager.com/gtm.js', 'www.googletagmanager.com/ns.html', 'www.googletagmanager.com/a?'],
    beacon: 'www.googletagmanager.com/a?id=GTM-PROOF01',
  },
  {
    key: 'google-ads',
    name: 'Google Ads conversion',
    category: 'marketing',
    head: gtag('AW-123456789', `\n  gtag('event', 'conversion', {'send_to': 'AW-123456789/AbC-D_efG-h12_34-567', 'value': 1.0, 'currency': 'EUR'});`),
    own: ['www.googletagmanager.com/gtag/js?id=AW-', 'googleads.g.doubleclick.net/', 'www.googleadservices.com/'],
    beacon: 'googleads.g.doubleclick.net/pagead/viewthroughconversion/',
    // All of Google's tags have the same library at the same path, which unmarked is taken for that of Analytics.
    library: 'www.googletagmanager.com/gtag/js?id=AW-',
  },
  {
    key: 'meta',
    name: 'Meta Pixel',
    category: 'marketing',
    head: `
<!-- Meta Pixel Code -->
<script>
!function(f,b,e,v,n,t,s){if(f.fbq)return;n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):n.queue.push(arguments)};
if(!f._fbq)f._fbq=n;n.push=n;n.loaded=!0;n.version='2.0';n.queue=[];t=b.createElement(e);t.async=!0;t.src=v;
s=b.getElementsByTagName(e)[0];s.parentNode.insertBefore(t,s)}(window,document,'script','https://connect.facebook.net/en_US/fbevents.js');
fbq('init', '1234567890');
fbq('track', 'PageView');
</script>
<noscript><img height="1" width="1" style="display:none" src="https://www.facebook.com/tr?id=1234567890&ev=PageView&noscript=1"/></noscript>
<!-- End Meta Pixel Code -->`,
    own: ['connect.facebook.net/', 'www.facebook.com/'],
    beacon: 'www.facebook.com/tr',
  },
  {
    key: 'linkedin',
    name: 'LinkedIn Insight Tag',
    category: 'marketing',
    body: `
<script type="text/javascript">
_linkedin_partner_id = "1234567"; window._linkedin_data_partner_ids = window._linkedin_data_partner_ids || []; window._linkedin_data_partner_ids.push(_linkedin_partner_id);
</script><script type="text/javascript">
(function(l) { if (!l){window.lintrk = function(a,b){window.lintrk.q.push([a,b])}; window.lintrk.q=[]}
var s = document.getElementsByTagName("script")[0]; var b = document.createElement("script"); b.type = "text/javascript";b.async = true;
b.src = "https://snap.licdn.com/li.lms-analytics/insight.min.js"; s.parentNode.insertBefore(b, s);})(window.lintrk);
</script>
<noscript><img height="1" width="1" style="display:none;" alt="" src="https://px.ads.linkedin.com/collect/?pid=1234567&fmt=gif" /></noscript>`,
    own: ['snap.licdn.com/', 'px.ads.linkedin.com/'],
    beacon: 'px.ads.linkedin.com/collect',
  },
  {
    key: 'tiktok',
    name: 'TikTok Pixel',
    category: 'marketing',
    head: `
<script>
!function (w, d, t) {
  w.TiktokAnalyticsObject=t;var ttq=w[t]=w[t]||[];ttq.methods=["page","track","identify","holdConsent","revokeConsent","grantConsent"],
  ttq.setAndDefer=function(t,e){t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}};
  for(var i=0;i<ttq.methods.length;i++)ttq.setAndDefer(ttq,ttq.methods[i]);
  ttq.load=function(e,n){var r="https://analytics.tiktok.com/i18n/pixel/events.js";ttq._i=ttq._i||{},ttq._i[e]=[],ttq._i[e]._u=r;
  n=d.createElement("script");n.type="text/javascript",n.async=!0,n.src=r+"?sdkid="+e+"&lib="+t;e=d.getElementsByTagName("script")[0];e.parentNode.insertBefore(n,e)};
  ttq.load('C4PROOFPROOFPROOF000'); ttq.page();
}(window, document, 'ttq');
</script>`,
    own: ['analytics.tiktok.com/'],
    beacon: 'analytics.tiktok.com/api/v2/pixel',
  },
  {
    key: 'pinterest',
    name: 'Pinterest Tag',
    category: 'marketing',
    head: `
<script>
!function(e){if(!window.pintrk){window.pintrk = function () { window.pintrk.queue.push(Array.prototype.slice.call(arguments))};
var n=window.pintrk;n.queue=[],n.version="3.0";var t=document.createElement("script");t.async=!0,t.src=e;
var r=document.getElementsByTagName("script")[0]; r.parentNode.insertBefore(t,r)}}("https://s.pinimg.com/ct/core.js");
pintrk('load', '2612345678901'); pintrk('page');
</script>
<noscript><img height="1" width="1" style="display:none;" alt="" src="https://ct.pinterest.com/v3/?event=init&tid=2612345678901&noscript=1" /></noscript>`,
    own: ['s.pinimg.com/', 'ct.pinterest.com/'],
    beacon: 'ct.pinterest.com/v3/',
  },
  {
    key: 'reddit',
    name: 'Reddit Pixel',
    category: 'marketing',
    head: `
<script>
!function(w,d){if(!w.rdt){var p=w.rdt=function(){p.sendEvent?p.sendEvent.apply(p,arguments):p.callQueue.push(arguments)};p.callQueue=[];
var t=d.createElement("script");t.src="https://www.redditstatic.com/ads/pixel.js",t.async=!0;var s=d.getElementsByTagName("script")[0];s.parentNode.insertBefore(t,s)}}(window,document);
rdt('init','a2_proof0000000'); rdt('track', 'PageVisit');
</script>`,
    own: ['www.redditstatic.com/', 'alb.reddit.com/'],
    beacon: 'alb.reddit.com/rp.gif',
  },
  {
    key: 'snap',
    name: 'Snap Pixel',
    category: 'marketing',
    head: `
<script type='text/javascript'>
(function(e,t,n){if(e.snaptr)return;var a=e.snaptr=function(){a.handleRequest?a.handleRequest.apply(a,arguments):a.queue.push(arguments)};
a.queue=[];var s='script';r=t.createElement(s);r.async=!0;r.src=n;var u=t.getElementsByTagName(s)[0];u.parentNode.insertBefore(r,u);})(window,document,'https://sc-static.net/scevent.min.js');
snaptr('init', '12345678-90ab-cdef-1234-567890abcdef'); snaptr('track', 'PAGE_VIEW');
</script>`,
    own: ['sc-static.net/', 'tr.snapchat.com/'],
    beacon: 'tr.snapchat.com/p',
  },
  {
    key: 'x-ads',
    name: 'X Pixel',
    category: 'marketing',
    head: `
<script>
!function(e,t,n,s,u,a){e.twq||(s=e.twq=function(){s.exe?s.exe.apply(s,arguments):s.queue.push(arguments);},s.version='1.1',s.queue=[],u=t.createElement(n),u.async=!0,
u.src='https://static.ads-twitter.com/uwt.js',a=t.getElementsByTagName(n)[0],a.parentNode.insertBefore(u,a))}(window,document,'script');
twq('config','o1abc');
</script>`,
    own: ['static.ads-twitter.com/', 't.co/', 'analytics.twitter.com/'],
    beacon: 'analytics.twitter.com/1/i/adsct',
  },
  {
    key: 'uet',
    name: 'Microsoft UET',
    category: 'marketing',
    head: `
<script>(function(w,d,t,r,u){var f,n,i;w[u]=w[u]||[],f=function(){var o={ti:"12345678", enableAutoSpaTracking: true};o.q=w[u],w[u]=new UET(o),w[u].push("pageLoad")},
n=d.createElement(t),n.src=r,n.async=1,n.onload=n.onreadystatechange=function(){var s=this.readyState;s&&s!=="loaded"&&s!=="complete"||(f(),n.onload=n.onreadystatechange=null)},
i=d.getElementsByTagName(t)[0],i.parentNode.insertBefore(n,i)})(window,document,"script","//bat.bing.com/bat.js","uetq");</script>`,
    own: ['bat.bing.com/'],
    beacon: 'bat.bing.com/action/0',
  },
  {
    key: 'clarity',
    name: 'Microsoft Clarity',
    category: 'analytics',
    head: `
<script type="text/javascript">
(function(c,l,a,r,i,t,y){c[a]=c[a]||function(){(c[a].q=c[a].q||[]).push(arguments)};t=l.createElement(r);t.async=1;t.src="https://www.clarity.ms/tag/"+i;
y=l.getElementsByTagName(r)[0];y.parentNode.insertBefore(t,y);})(window, document, "clarity", "script", "proof12345");
</script>`,
    own: ['www.clarity.ms/', 'i.clarity.ms/'],
    beacon: 'i.clarity.ms/collect',
  },
  {
    key: 'hotjar',
    name: 'Hotjar',
    category: 'analytics',
    head: `
<script>
(function(h,o,t,j,a,r){h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};h._hjSettings={hjid:1234567,hjsv:6};
a=o.getElementsByTagName('head')[0];r=o.createElement('script');r.async=1;r.src=t+h._hjSettings.hjid+j+h._hjSettings.hjsv;a.appendChild(r);
})(window,document,'https://static.hotjar.com/c/hotjar-','.js?sv=');
</script>`,
    own: ['static.hotjar.com/', 'script.hotjar.com/', 'vc.hotjar.io/'],
    beacon: 'vc.hotjar.io/sessions',
  },
  {
    key: 'hubspot',
    name: 'HubSpot',
    category: 'marketing',
    body: `
<!-- Start of HubSpot Embed Code -->
<script type="text/javascript" id="hs-script-loader" async defer src="//js.hs-scripts.com/1234567.js"></script>
<!-- End of HubSpot Embed Code -->`,
    own: ['js.hs-scripts.com/', 'js.hs-analytics.net/', 'track.hubspot.com/'],
    beacon: 'track.hubspot.com/__ptq.gif',
  },
  {
    key: 'matomo',
    name: 'Matomo Cloud',
    category: 'analytics',
    head: `
<script>
  var _paq = window._paq = window._paq || [];
  _paq.push(['trackPageView']); _paq.push(['enableLinkTracking']);
  (function() { var u="https://proof.matomo.cloud/"; _paq.push(['setTrackerUrl', u+'matomo.php']); _paq.push(['setSiteId', '1']);
    var d=document, g=d.createElement('script'), s=d.getElementsByTagName('script')[0]; g.async=true; g.src='https://cdn.matomo.cloud/proof.matomo.cloud/matomo.js'; s.parentNode.insertBefore(g,s); })();
</script>`,
    own: ['cdn.matomo.cloud/', 'proof.matomo.cloud/'],
    beacon: 'proof.matomo.cloud/matomo.php',
  },
  {
    key: 'plausible',
    name: 'Plausible',
    category: 'analytics',
    head: `\n<script defer data-domain="shop.test" src="https://plausible.io/js/script.js"></script>`,
    own: ['plausible.io/'],
    beacon: 'plausible.io/api/event',
  },
  {
    key: 'posthog',
    name: 'PostHog',
    category: 'analytics',
    head: `
<script>
!function(t,e){var o,n,p,r;e.__SV||(window.posthog=e,e._i=[],e.init=function(i,s,a){function g(t,e){t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}}
(p=t.createElement("script")).type="text/javascript",p.crossOrigin="anonymous",p.async=!0,p.src=s.api_host.replace(".i.posthog.com","-assets.i.posthog.com")+"/static/array.js",
(r=t.getElementsByTagName("script")[0]).parentNode.insertBefore(p,r);for(o="capture identify opt_in_capturing opt_out_capturing".split(" "),n=0;n<o.length;n++)g(e,o[n]);e._i.push([i,s,a])},e.__SV=1)}(document,window.posthog||[]);
posthog.init('phc_proof', {api_host: 'https://eu.i.posthog.com'})
</script>`,
    own: ['eu-assets.i.posthog.com/', 'eu.i.posthog.com/'],
    beacon: 'eu.i.posthog.com/e/',
  },
  {
    key: 'segment',
    name: 'Segment',
    category: 'analytics',
    head: `
<script>
!function(){var i="analytics",analytics=window[i]=window[i]||[];if(!analytics.initialize)if(analytics.invoked)window.console&&console.error&&console.error("Segment snippet included twice.");else{
analytics.invoked=!0;analytics.methods=["page","track","identify","ready","addSourceMiddleware"];analytics.factory=function(e){return function(){if(window[i].initialized)return window[i][e].apply(window[i],arguments);
var n=Array.prototype.slice.call(arguments);n.unshift(e);analytics.push(n);return analytics}};for(var n=0;n<analytics.methods.length;n++){var key=analytics.methods[n];analytics[key]=analytics.factory(key)}
analytics.load=function(key){var t=document.createElement("script");t.type="text/javascript";t.async=!0;t.src="https://cdn.segment.com/analytics.js/v1/"+key+"/analytics.min.js";
var r=document.getElementsByTagName("script")[0];r.parentNode.insertBefore(t,r)};analytics._writeKey="PROOFPROOFPROOFPROOFPROOFPROOF01";analytics.load("PROOFPROOFPROOFPROOFPROOFPROOF01");analytics.page();}}();
</script>`,
    own: ['cdn.segment.com/', 'api.segment.io/'],
    beacon: 'api.segment.io/v1/p',
  },
  {
    key: 'mixpanel',
    name: 'Mixpanel',
    category: 'analytics',
    head: `
<script type="text/javascript">
(function(f,b){if(!b.__SV){var e,g,i,h;window.mixpanel=b;b._i=[];b.init=function(e,f){function g(a,d){a[d]=function(){a.push([d].concat(Array.prototype.slice.call(arguments,0)))}}
i="track track_pageview identify opt_in_tracking opt_out_tracking".split(" ");for(h=0;h<i.length;h++)g(b,i[h]);b._i.push([e,f])};b.__SV=1.2;
e=f.createElement("script");e.type="text/javascript";e.async=!0;e.src="https://cdn.mxpnl.com/libs/mixpanel-2-latest.min.js";g=f.getElementsByTagName("script")[0];g.parentNode.insertBefore(e,g)}})(document,window.mixpanel||[]);
mixpanel.init('proof0123456789abcdef0123456789a', {track_pageview: true, persistence: 'localStorage'});
</script>`,
    own: ['cdn.mxpnl.com/', 'api-js.mixpanel.com/'],
    beacon: 'api-js.mixpanel.com/track/',
  },
  {
    key: 'criteo',
    name: 'Criteo OneTag',
    category: 'marketing',
    body: `
<script type="text/javascript" src="//dynamic.criteo.com/js/ld/ld.js?a=12345" async="true"></script>
<script type="text/javascript">
window.criteo_q = window.criteo_q || [];
window.criteo_q.push({ event: "setAccount", account: 12345 }, { event: "setSiteType", type: "d" }, { event: "viewHome" });
</script>`,
    own: ['dynamic.criteo.com/', 'sslwidget.criteo.com/', 'gum.criteo.com/'],
    beacon: 'sslwidget.criteo.com/event',
  },
  {
    key: 'intercom',
    name: 'Intercom Messenger',
    category: 'preferences',
    body: `
<script>
window.intercomSettings = { api_base: "https://api-iam.intercom.io", app_id: "proof123" };
(function(){var w=window;var ic=w.Intercom;if(typeof ic==="function"){ic('reattach_activator');ic('update',w.intercomSettings);}else{var d=document;var i=function(){i.c(arguments);};i.q=[];i.c=function(args){i.q.push(args);};w.Intercom=i;
var l=function(){var s=d.createElement('script');s.type='text/javascript';s.async=true;s.src='https://widget.intercom.io/widget/proof123';var x=d.getElementsByTagName('script')[0];x.parentNode.insertBefore(s,x);};
if(document.readyState==='complete'){l();}else if(w.attachEvent){w.attachEvent('onload',l);}else{w.addEventListener('load',l,false);}}})();
</script>`,
    own: ['widget.intercom.io/', 'js.intercomcdn.com/', 'api-iam.intercom.io/'],
    beacon: 'api-iam.intercom.io/messenger/web/ping',
  },
  {
    key: 'youtube',
    name: 'YouTube frame',
    category: 'preferences',
    body: `
<iframe width="560" height="315" src="https://www.youtube.com/embed/proofproof1?si=proof" title="YouTube video player" frameborder="0" allow="accelerometer; autoplay; clipboard-write; encrypted-media; gyroscope; picture-in-picture; web-share" referrerpolicy="strict-origin-when-cross-origin" allowfullscreen></iframe>`,
    own: ['www.youtube.com/'],
    beacon: 'www.youtube.com/youtubei/v1/log_event',
  },
  {
    key: 'vimeo',
    name: 'Vimeo frame and player',
    category: 'preferences',
    body: `
<div style="padding:56.25% 0 0 0;position:relative;"><iframe src="https://player.vimeo.com/video/76979871?h=proof&amp;badge=0" frameborder="0" allow="autoplay; fullscreen; picture-in-picture" style="position:absolute;top:0;left:0;width:100%;height:100%;" title="Film"></iframe></div><script src="https://player.vimeo.com/api/player.js"></script>`,
    own: ['player.vimeo.com/', 'f.vimeocdn.com/', 'fresnel.vimeocdn.com/'],
    beacon: 'fresnel.vimeocdn.com/add/player-stats',
    apart: ['player.vimeo.com/api/player.js'], // two things side by side: nothing says which arrives first
  },
  {
    key: 'google-maps',
    name: 'Google Maps frame',
    category: 'preferences',
    body: `
<iframe src="https://www.google.com/maps/embed?pb=!1m18!1m12!1m3!1d2659" width="600" height="450" style="border:0;" allowfullscreen="" loading="lazy" referrerpolicy="no-referrer-when-downgrade" title="Map"></iframe>`,
    own: ['www.google.com/maps', 'maps.googleapis.com/'],
    beacon: 'maps.googleapis.com/maps/api/mapsjs/gen_204',
  },
  {
    key: 'google-fonts',
    name: 'Google Fonts',
    category: 'preferences',
    head: `
<link rel="preconnect" href="https://fonts.googleapis.com">
<link rel="preconnect" href="https://fonts.gstatic.com" crossorigin>
<link href="https://fonts.googleapis.com/css2?family=Proof&display=swap" rel="stylesheet">`,
    own: ['fonts.googleapis.com/', 'fonts.gstatic.com/'],
    beacon: 'fonts.gstatic.com/s/proof/v1/proof.woff2',
  },
  {
    key: 'chain',
    name: 'external, inline, external, inline',
    category: 'marketing',
    head: `
<script src="https://one.chain-proof.test/A.js"></script>
<script>steps.push('B');</script>
<script src="https://two.chain-proof.test/C.js"></script>
<script>steps.push('D'); new Image().src = 'https://two.chain-proof.test/done.gif?' + steps.join('') + '&n=' + Math.random();</script>`,
    own: ['one.chain-proof.test/', 'two.chain-proof.test/'],
    beacon: 'two.chain-proof.test/done.gif?ABCD',
    apart: ['one.chain-proof.test/A.js', 'two.chain-proof.test/C.js'],
    chained: true, // its own lines need what stands above them
    hosts: ['chain-proof.test'],
  },
  {
    key: 'stripe',
    name: 'Stripe.js',
    category: 'necessary',
    essential: true,
    head: `
<script src="https://js.stripe.com/v3/"></script>
<script>var stripe = Stripe('pk_test_proof');</script>`,
    own: ['js.stripe.com/', 'm.stripe.network/'],
    beacon: 'm.stripe.network/inner.html',
  },
  {
    key: 'recaptcha',
    name: 'reCAPTCHA v3',
    category: 'necessary',
    essential: true,
    head: `
<script src="https://www.google.com/recaptcha/api.js?render=proofsitekey"></script>
<script>grecaptcha.ready(function() { grecaptcha.execute('proofsitekey', {action: 'homepage'}); });</script>`,
    own: ['www.google.com/recaptcha/', 'www.gstatic.com/recaptcha/'],
    beacon: 'www.google.com/recaptcha/api2/reload',
  },
];

/** The same markup as docs/embed.md has a site mark it. What is essential has no mark. */
export const mark = ({ key, category, essential, head = '', body = '' }) => {
  if (essential) return { head, body };
  const marks = `data-category="${category}" data-service="${key}"`;
  const all = (html) =>
    html
      .replace(/<script\b([^>]*)>/g, (_, attributes) => `<script type="text/plain" ${marks}${attributes.replace(/ type=(["'])text\/javascript\1/, '').replace(/ src=/, ' data-src=')}>`)
      .replace(/<(iframe|img)\b([^>]*?) src=/g, `<$1 ${marks}$2 data-src=`)
      .replace(/(?:<link\b[^>]*>\s*)+/g, (links) => `<template ${marks}>${links}</template>`);
  return { head: all(head), body: all(body) };
};

/** Addresses that stand in the markup itself: a browser may ask for them before any script has a say. */
export const written = ({ head = '', body = '' }) =>
  [...(head + body).replace(/<noscript>.*?<\/noscript>/gs, '').matchAll(/<(?:script|link|img|iframe)\b[^>]*? (?:src|href)="(?:https:)?\/\/([^"]+)"/g)].map((match) => match[1].replaceAll('&amp;', '&'));
