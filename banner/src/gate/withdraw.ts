import { stored } from 'volenti:notice';
import { guard, page, warn } from './page';
import { name as ours } from './remember';
import type { Choices } from './types';

/** Whether a declared name means this one; a final '*' makes it a prefix. Compared, never made into a regular expression. */
export const matches = (declared: string, name: string): boolean =>
  declared.endsWith('*') ? name.startsWith(declared.slice(0, -1)) : name === declared;

/** Every path under which a cookie that this page can see may stand: '/', '/a', '/a/', '/a/b' … */
export const paths = (pathname: string): string[] => {
  const all = ['/'];
  for (let i = pathname.indexOf('/', 1); i > 0; i = pathname.indexOf('/', i + 1)) all.push(pathname.slice(0, i), pathname.slice(0, i + 1));
  return pathname.length > 1 && !pathname.endsWith('/') ? [...all, pathname] : all;
};

/** Every Domain attribute under which it may stand: none, the host, and each parent. */
export const domains = (hostname: string): string[] => {
  const all = [''];
  for (let host = hostname; host.includes('.'); host = host.slice(host.indexOf('.') + 1)) all.push(';domain=' + host);
  return all;
};

/**
 * Deletes a cookie wherever it may stand. Its domain and path can't be read, so all that are possible are tried; Secure
 * and Partitioned ones go only by the same attributes.
 */
export const expire = (name: string): void => {
  for (const domain of domains(location.hostname))
    for (const path of paths(location.pathname))
      for (const more of ['', ';secure', ';secure;partitioned']) Reflect.set(Document.prototype, 'cookie', `${name}=;max-age=0;path=${path}${domain}${more}`, document);
};

/** Names of what is there, each with how to delete it. */
type Found = readonly (readonly [name: string, drop: () => unknown])[];

/** The path of a service worker's script; '' before there is one. */
const scriptPath = ({ active, waiting, installing }: ServiceWorkerRegistration): string => {
  const worker = active ?? waiting ?? installing;
  return worker ? new URL(worker.scriptURL).pathname : '';
};

const storage = (kind: 'localStorage' | 'sessionStorage') => (): Found => Object.keys(window[kind]).map((name) => [name, () => window[kind].removeItem(name)]);

/** What can be stored, in the order of the kinds of `stored`. Each may throw: a browser can refuse any of them. */
const places: readonly (() => Found | Promise<Found>)[] = [
  () => page.cookie.split('; ').map((cookie) => [cookie.split('=')[0]!, () => expire(cookie.split('=')[0]!)]),
  storage('localStorage'),
  storage('sessionStorage'),
  // A browser that can't list databases (Firefox before 126) can still delete those whose names are known.
  async () => {
    const names = indexedDB.databases ? (await indexedDB.databases()).map(({ name }) => name!) : stored.map((s) => s[0]);
    return names.map((name) => [name, () => indexedDB.deleteDatabase(name)]);
  },
  async () => (await caches.keys()).map((name) => [name, () => caches.delete(name)]),
  async () => (await navigator.serviceWorker.getRegistrations()).map((worker) => [scriptPath(worker), () => worker.unregister()]),
];

/**
 * Deletes what is declared for vendors that may not load, by what `now` says right before, unless a vendor that may has
 * declared it too. A kind that nobody declared is not even looked at. Cookies and web storage go at once; in a page that
 * is being left no answer comes for the others, and the next page sweeps again.
 */
export const sweep = (now: () => Choices): void => {
  const shut = (vendor: number): boolean => now().split('.')[1]![vendor] === '0';
  places.forEach((list, kind) => {
    const declared = stored.filter((s) => s[1] === kind);
    const drop = (found: Found): void => {
      for (const [name, remove] of found) {
        const claims = declared.filter((s) => matches(s[0], name));
        if (name !== ours && claims.length && claims.every((s) => shut(s[2]))) (async () => remove())().catch(warn);
      }
    };
    if (declared.some((s) => shut(s[2])))
      guard(() => {
        const found = list();
        if (found instanceof Promise) found.then(drop).catch(warn);
        else drop(found);
      })();
  });
};
