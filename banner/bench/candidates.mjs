// What is measured: each banner as its own documentation sets it up, on the same page, with the same three tags behind
// its own gate. `head` is what the site puts into its page; `files` are what that page's server hands out.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const of = (path) => readFileSync(join(here, 'node_modules', path));
const bundled = (contents) =>
  buildSync({ stdin: { contents, resolveDir: here }, bundle: true, minify: true, format: 'iife', write: false, logLevel: 'error', define: { 'process.env.NODE_ENV': '"production"' } }).outputFiles[0].contents;

/** The addresses of the tags: each is busy for 60 ms. */
export const tags = ['/tag/1.js', '/tag/2.js', '/tag/3.js'];
const marked = (mark) => (count) => tags.slice(0, count).map(mark).join('\n');

/** What any banner must at least do, in as few bytes as can be: a text, two buttons, and the tags after the first. */
const floor = (list) => `
addEventListener('DOMContentLoaded', () => {
  if (document.cookie.includes('floor=1')) return load();
  const box = document.createElement('div');
  box.style.cssText = 'position:fixed;bottom:0;left:0;right:0;padding:16px;background:#fff;border:1px solid';
  box.textContent = 'This shop and its partners would like to store and read information on your device for: statistics, marketing. ';
  for (const [text, yes] of [['Accept all', 1], ['Reject all', 0]]) {
    const button = document.createElement('button');
    button.textContent = text;
    button.onclick = () => { box.remove(); document.cookie = 'floor=' + yes + ';path=/'; if (yes) load(); };
    box.append(button);
  }
  document.body.append(box);
});
function load() { for (const src of ${JSON.stringify(list)}) { const s = document.createElement('script'); s.src = src; s.async = false; document.head.append(s); } }`;

export const candidates = [
  {
    name: 'floor: all inline',
    accept: /^accept all$/i,
    head: (n) => `<script>${floor(tags.slice(0, n))}</script>`,
    files: {},
  },
  {
    name: 'floor: one small script',
    accept: /^accept all$/i,
    head: (n) => `<script src="/floor${n}.js"></script>`,
    files: { '/floor0.js': floor([]), '/floor3.js': floor(tags) },
  },
  {
    name: 'Volenti',
    accept: /^accept all$/i,
    head: () => '<script src="/b/shop.js"></script>',
    body: marked((src) => `<script type="text/plain" data-category="analytics" data-src="${src}"></script>`),
    files: {},
  },
  {
    name: 'vanilla-cookieconsent, as documented',
    accept: /^accept all$/i,
    head: () => '<link rel="stylesheet" href="/vcc.css"><script type="module" src="/vcc-config.js"></script>',
    body: marked((src) => `<script type="text/plain" data-category="analytics" data-src="${src}"></script>`),
    files: {
      '/vcc.css': () => of('vanilla-cookieconsent/dist/cookieconsent.css'),
      '/vcc.js': () => of('vanilla-cookieconsent/dist/cookieconsent.umd.js'),
      '/vcc-config.js': `import './vcc.js';\n${vcc()}`,
    },
  },
  {
    name: 'vanilla-cookieconsent, bundled',
    accept: /^accept all$/i,
    head: () => '<link rel="stylesheet" href="/vccb.css"><script defer src="/vccb.js"></script>',
    body: marked((src) => `<script type="text/plain" data-category="analytics" data-src="${src}"></script>`),
    files: {
      '/vccb.css': () => of('vanilla-cookieconsent/dist/cookieconsent.css'),
      '/vccb.js': () => bundled(`import * as CookieConsent from 'vanilla-cookieconsent';\n${vcc()}`),
    },
  },
  {
    name: 'klaro',
    accept: /^(accept all|that's ok|ok)$/i,
    head: () => '<script defer src="/klaro-config.js"></script><script defer src="/klaro.js"></script>',
    body: marked((src) => `<script type="text/plain" data-type="application/javascript" data-name="counter" data-src="${src}"></script>`),
    files: {
      '/klaro.js': () => of('klaro/dist/klaro.js'),
      '/klaro-config.js': `window.klaroConfig = { version: 1, lang: 'en', acceptAll: true, privacyPolicy: '/privacy',
  translations: { en: { purposes: { analytics: 'Statistics', marketing: 'Marketing' } } },
  services: [{ name: 'counter', title: 'Counter', purposes: ['analytics'] }, { name: 'ads', title: 'Ads', purposes: ['marketing'] }] };`,
    },
  },
  {
    name: 'tarteaucitron',
    accept: /(accept all|ok, accept|^personalize$)/i,
    head: (n) => `<script src="/tac/tarteaucitron.min.js"></script><script src="/tac-config${n}.js"></script>`,
    files: {
      '/tac/tarteaucitron.min.js': () => of('tarteaucitronjs/tarteaucitron.min.js'),
      '/tac/tarteaucitron.services.min.js': () => of('tarteaucitronjs/tarteaucitron.services.min.js'),
      '/tac/lang/tarteaucitron.en.min.js': () => of('tarteaucitronjs/lang/tarteaucitron.en.min.js'),
      '/tac/css/tarteaucitron.min.css': () => of('tarteaucitronjs/css/tarteaucitron.min.css'),
      '/tac-config0.js': tac([]),
      '/tac-config3.js': tac(tags),
    },
  },
  {
    name: '@probo/cookie-banner',
    accept: /^accept all$/i,
    head: (_, origin) => `<script src="/probo.js" data-banner-id="shop" data-base-url="${origin}/probo/"></script>`,
    body: (n) => '<probo-settings-link>Cookies</probo-settings-link>' + marked((src) => `<script type="text/plain" data-cookie-consent="analytics" data-src="${src}"></script>`)(n),
    files: { '/probo.js': () => of('@probo/cookie-banner/dist/cookie-banner.iife.js'), '/probo/shop/config': JSON.stringify(probo()) },
  },
  {
    name: 'c15t core, offline',
    accept: /^accept all$/i,
    head: (n) => `<script defer src="/c15t${n}.js"></script>`,
    files: { '/c15t0.js': () => bundled(c15t([])), '/c15t3.js': () => bundled(c15t(tags)) },
  },
];

function vcc() {
  return `CookieConsent.run({
  categories: { necessary: { enabled: true, readOnly: true }, analytics: {}, marketing: {} },
  language: { default: 'en', translations: { en: {
    consentModal: { title: 'Your privacy', description: 'This shop and its partners would like to store and read information on your device for: statistics, marketing.',
      acceptAllBtn: 'Accept all', acceptNecessaryBtn: 'Reject all', showPreferencesBtn: 'Settings' },
    preferencesModal: { title: 'Privacy settings', acceptAllBtn: 'Accept all', acceptNecessaryBtn: 'Reject all', savePreferencesBtn: 'Save',
      sections: [{ title: 'Necessary', linkedCategory: 'necessary' }, { title: 'Statistics', linkedCategory: 'analytics' }, { title: 'Marketing', linkedCategory: 'marketing' }] } } } } });`;
}

function tac(list) {
  return `tarteaucitronForceLanguage = 'en';
tarteaucitron.init({ privacyUrl: '/privacy', hashtag: '#tarteaucitron', cookieName: 'tarteaucitron', orientation: 'bottom', showAlertSmall: false, cookieslist: false,
  showIcon: true, DenyAllCta: true, AcceptAllCta: true, highPrivacy: true, handleBrowserDNTRequest: false, removeCredit: true, moreInfoLink: true, useExternalCss: false, useExternalJs: false, mandatory: true });
tarteaucitron.job = tarteaucitron.job || [];
// Without a service it does not ask.
for (const [i, src] of ${JSON.stringify(list.length ? list : [''])}.entries()) {
  tarteaucitron.services['tag' + i] = { key: 'tag' + i, type: 'analytic', name: 'Tag ' + i, needConsent: true, cookies: [], js() { if (src) tarteaucitron.addScript(src); } };
  tarteaucitron.job.push('tag' + i);
}`;
}

function probo() {
  const category = (slug, kind) => ({ name: slug, slug, description: slug, kind, cookies: [], gcm_consent_types: [], posthog_consent: false });
  return {
    banner_id: 'shop', version: 1, language: 'en', default_language: 'en', privacy_policy_url: '/privacy', cookie_policy_url: '/privacy', consent_expiry_days: 180, consent_mode: 'OPT_IN', regulation: 'GDPR',
    layout: { presentation: 'OPT_IN', initial_state: 'banner', reopen_state: 'panel', default_non_necessary_granted: false, buttons: { accept_all: true, reject_all: true, customize: true, save: true }, settings_link: 'default' },
    show_branding: false, resource_reporting_enabled: false,
    categories: [category('necessary', 'NECESSARY'), category('analytics', 'NORMAL'), category('marketing', 'NORMAL')],
    texts: { banner_title: 'Your privacy', banner_description: 'This shop and its partners would like to store and read information on your device for: statistics, marketing.', button_accept_all: 'Accept all', button_reject_all: 'Reject all', button_customize: 'Settings', button_save: 'Save' },
  };
}

function c15t(list) {
  return `import { getOrCreateConsentRuntime } from 'c15t';
const { consentStore } = getOrCreateConsentRuntime({ mode: 'offline', consentCategories: ['necessary', 'measurement', 'marketing'],
  scripts: ${JSON.stringify(list.map((src, i) => ({ id: 'tag' + i, src, category: 'measurement' })))} });
const box = document.createElement('div');
box.style.cssText = 'display:none;position:fixed;bottom:0;left:0;right:0;padding:16px;background:#fff;border:1px solid';
box.textContent = 'This shop and its partners would like to store and read information on your device for: statistics, marketing. ';
for (const [text, what] of [['Accept all', 'all'], ['Reject all', 'necessary']]) {
  const button = document.createElement('button');
  button.textContent = text;
  button.onclick = () => consentStore.getState().saveConsents(what);
  box.append(button);
}
document.body.append(box);
const show = (state) => { box.style.display = state.activeUI === 'banner' ? 'block' : 'none'; };
consentStore.subscribe(show);
show(consentStore.getState());`;
}
