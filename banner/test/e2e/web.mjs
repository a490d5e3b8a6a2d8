// The rest of the web, on one port of loopback: every host, with TLS and without. It counts connections, not only
// requests, and answers as what it is asked for.
import { execFileSync } from 'node:child_process';
import { createServer as createHTTP } from 'node:http';
import { createServer as createHTTPS } from 'node:https';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const banner = join(dirname(fileURLToPath(import.meta.url)), '../..');
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** What a browser wants: it says so where the connection is secure, else the name tells. */
const kind = ({ headers, url }) => {
  const dest = headers['sec-fetch-dest'] ?? '';
  if (dest === 'script' || /\.js($|\?)/.test(url)) return ['text/javascript', `(window.ran ??= []).push(${JSON.stringify(headers.host)});`];
  if (dest === 'style' || /css/.test(url)) return ['text/css', 'body { --vendor: 1 }'];
  if (dest === 'image' || /\.(gif|webp)|\/tr\b/.test(url)) return ['image/gif', pixel];
  return ['text/html', '<!doctype html><html lang="en"><title>Vendor</title><body>Vendor</body></html>'];
};

/**
 * Starts it. `connections` are the hosts somebody connected to, by name where TLS tells it; `hits` are "host path referer".
 * `args` make Chromium find every host but `own` there.
 */
export const startWeb = async (own) => {
  const pem = execFileSync('go', ['run', './test/cert'], { cwd: banner, encoding: 'utf8' });
  const it = { connections: [], hits: [] };
  const answer = (request, response) => {
    const { pathname } = new URL(request.url, 'http://vendor');
    it.hits.push(`${request.headers.host} ${pathname} ${request.headers.referer ?? ''}`);
    const [type, body] = kind(request);
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', 'access-control-allow-origin': request.headers.origin ?? '*' });
    response.end(body);
  };
  const plain = createHTTP(answer);
  const secure = createHTTPS({ key: pem, cert: pem, SNICallback: (name, done) => (it.connections.push(name), done(null)) }, answer);
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    socket.once('readable', () => {
      const first = socket.read(1);
      if (!first) return;
      socket.unshift(first);
      if (first[0] === 22) return secure.emit('connection', socket); // a TLS handshake
      it.connections.push('http');
      plain.emit('connection', socket);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  it.args = ['--ignore-certificate-errors', `--host-resolver-rules=MAP ${own} 127.0.0.1, MAP * 127.0.0.1:${server.address().port}, EXCLUDE 127.0.0.1`];
  it.reset = () => it.connections.splice(0).concat(it.hits.splice(0));
  it.close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return it;
};
