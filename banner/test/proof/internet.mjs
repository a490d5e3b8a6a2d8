// All hosts there are, on one port: the shop, the consent server, and every vendor, with TLS and without. What reaches a
// vendor is written down, and so is a connection that nothing is asked on: it tells an address as well.
import { execFileSync } from 'node:child_process';
import { createServer, request as forward } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createSocket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer } from './vendors.mjs';

const banner = join(dirname(fileURLToPath(import.meta.url)), '../..');

const pipe = (port, request, reply) => {
  const { headers, method, url } = request;
  const on = forward({ port, host: '127.0.0.1', method, headers, path: url }, (from) => {
    reply.writeHead(from.statusCode, from.headers);
    from.pipe(reply);
  });
  on.on('error', () => reply.writeHead(502).end());
  request.pipe(on);
};

/**
 * The same hosts by names that lead to this machine by themselves, and without TLS: for browsers that can't be told where
 * hosts are. `text` says it in markup and scripts, `real` turns a name back.
 */
const disguise = (hosts, port) => {
  const name = (host) => host.replaceAll('.', '-') + '.localhost';
  const names = new Map(hosts.map((host) => [name(host), host]));
  return {
    real: (host) => names.get(host) ?? host,
    text: (text) => text.replace(/(?:https:)?\/\/([a-z0-9.-]+)(?=\/)/g, (all, host) => (hosts.includes(host) ? `http://${name(host)}:${port}` : all)),
    pattern: name,
  };
};

/**
 * `own`: what answers as a host of ours, by its name: a port, or a function as of an HTTP server. `hosts`: those that go
 * by other names.
 */
export const connect = async (own, hosts) => {
  const it = { hits: [], met: [], disguise: undefined };
  const pem = execFileSync('go', ['run', './test/cert'], { cwd: banner, encoding: 'utf8' });
  const serve = (request, reply) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (own[host]) return typeof own[host] === 'number' ? pipe(own[host], request, reply) : own[host](request, reply);
    if (request.url === '/favicon.ico') return reply.writeHead(204).end();
    const address = (it.disguise?.real(host) ?? host) + request.url;
    it.hits.push(address);
    const { type, body, cookie } = answer(address);
    reply.writeHead(200, {
      'content-type': type,
      'cache-control': 'no-store',
      'access-control-allow-origin': request.headers.origin ?? '*',
      ...(cookie ? { 'set-cookie': `${cookie}=1; max-age=9999; path=/; secure; samesite=none` } : {}),
    });
    return reply.end(it.disguise && typeof body === 'string' ? it.disguise.text(body) : body);
  };
  const plain = createServer(serve);
  const secure = createSecure({ key: pem, cert: pem }, serve);
  secure.on('secureConnection', ({ servername }) => own[servername] ?? it.met.push(servername));
  secure.on('tlsClientError', () => {});
  const sockets = new Set();
  const port = createSocket((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.once('readable', () => {
      const first = socket.read(1);
      if (!first) return;
      socket.unshift(first);
      (first[0] === 22 ? secure : plain).emit('connection', socket); // 22: a TLS handshake
    });
  });
  await new Promise((done) => port.listen(0, '127.0.0.1', done));
  it.port = port.address().port;
  if (hosts) it.disguise = disguise(hosts, it.port);
  it.close = () => {
    for (const socket of sockets) socket.destroy();
    port.close();
  };
  /** What a browser is started with. */
  it.args = [`--host-resolver-rules=MAP * 127.0.0.1:${it.port}, EXCLUDE 127.0.0.1, EXCLUDE localhost`, '--ignore-certificate-errors', '--no-sandbox', '--disable-gpu'];
  return it;
};
