import { stored, vendors } from 'volenti:notice';
import { guard, page } from './page';
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
 * Deletes what is declared for vendors that may not load now, unless a vendor that may has declared it too. A cookie's
 * domain and path can't be read, so all that are possible are tried; Secure and Partitioned ones go only by the same attributes.
 */
export const sweep = (now: Choices): void => {
  const ofVendor = now.slice(now.indexOf('.') + 1);
  const doomed = (kind: number, name: string): boolean => {
    const claims = stored.filter((s) => s[1] === kind && matches(s[0], name));
    return name !== 'volenti' && claims.length > 0 && claims.every((s) => ofVendor[s[2]] === '0');
  };
  if (!vendors.length) return;
  guard(() => {
    for (const cookie of page.cookie.split('; ')) {
      const name = cookie.split('=')[0]!;
      if (doomed(0, name))
        for (const domain of domains(location.hostname))
          for (const path of paths(location.pathname))
            for (const more of ['', ';secure', ';secure;partitioned']) Reflect.set(Document.prototype, 'cookie', `${name}=;max-age=0;path=${path}${domain}${more}`, document);
    }
  })();
  (['localStorage', 'sessionStorage'] as const).forEach((kind, i) =>
    guard(() => {
      for (const name of Object.keys(window[kind])) if (doomed(i + 1, name)) window[kind].removeItem(name);
    })(),
  );
};
