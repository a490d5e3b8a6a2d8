// Pretend vendors, on a port of their own: they count what reaches them, set the cookies such vendors set, and put
// their name into the page's list `ran`. The query says how one answers: wait=300 (milliseconds), or hang.
import { createServer } from 'node:http';

const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

const code = {
  '/gtag/js': `cookie('_ga', '/'); cookie('_ga_SHOP', '/'); home('/g/collect');`,
  '/fbevents.js': `cookie('_fbp', '/'); localStorage.setItem('fb-state', '1'); sessionStorage.setItem('fb-visit', '1');`,
};

const script = (path) => `(() => {
  const self = new URL(document.currentScript?.src ?? location.href);
  const cookie = (name, path) => { document.cookie = name + '=1;max-age=9999;path=' + path; };
  const home = (path) => { new Image().src = self.origin + path; };
  (window.ran = window.ran || []).push('${/(\w+)(\.js)?$/.exec(path)[1]}');
  ${code[path] ?? ''}
})();`;

/** Starts them. `hits` are the paths asked for, in order of arrival, without queries. */
export const startVendors = async () => {
  const it = { hits: [], port: 0, close: () => (server.closeAllConnections(), server.close()) };
  const server = createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url, 'http://vendor');
    if (pathname === '/favicon.ico') return answer.writeHead(404).end();
    it.hits.push(pathname);
    if (searchParams.has('hang')) return undefined;
    answer.setHeader('cache-control', 'no-store');
    answer.setHeader('access-control-allow-origin', '*');
    const send = () => {
      const kind = /^\/(gtag\/js|.*\.js)$/.test(pathname) ? 'text/javascript' : /collect$|^\/tr$|\.gif$/.test(pathname) ? 'image/gif' : 'text/html';
      answer.setHeader('content-type', kind);
      answer.end(kind === 'text/javascript' ? script(pathname) : kind === 'image/gif' ? pixel : '<!doctype html><html lang="en"><title>Video</title><body>Video</body></html>');
    };
    return setTimeout(send, Number(searchParams.get('wait') ?? 0));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  it.port = server.address().port;
  return it;
};
