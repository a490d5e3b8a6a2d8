// One origin for all: the page of each candidate, its files, the tags, and Volenti behind /b/ and /v1/. Everything is
// compressed once, before it is asked for.
import { createServer, request } from 'node:http';
import { brotliCompressSync } from 'node:zlib';
import { tags } from './candidates.mjs';

const types = { js: 'text/javascript', css: 'text/css' };
const tag = `performance.mark('tag'); { const end = performance.now() + 60; while (performance.now() < end); }`;
const text = Array.from({ length: 30 }, (_, i) => `<p>${i + 1}. A shop sells things, and tells what they are made of, where they come from and what they cost. Nothing of that needs to know who reads it.</p>`).join('\n');

const page = (candidate, count, origin) => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title>
${candidate.head(count, origin)}
<style>body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:40rem}h1{font-size:2.5rem}</style></head>
<body><h1>A shop that sells good things</h1>
${text}
${candidate.body?.(count) ?? ''}
</body></html>`;

/** Serves candidates at /{index}/{number of tags}; `volenti` is the port of the real server. */
export const serve = async (candidates, volenti) => {
  const files = new Map(tags.map((path) => [path, { type: types.js, body: brotliCompressSync(tag), cache: 'no-store' }]));
  for (const candidate of candidates)
    for (const [path, content] of Object.entries(candidate.files)) {
      const body = Buffer.from(typeof content === 'function' ? content() : content);
      files.set(path, { type: types[path.split('.').pop()] ?? 'application/json', body: brotliCompressSync(body), cache: 'public, max-age=86400' });
    }
  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url, 'http://x');
    if (/^\/(b|v1|policies|assets)\//.test(pathname)) {
      const passed = request({ port: volenti, host: '127.0.0.1', path: asked.url, method: asked.method, headers: asked.headers }, (got) => {
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
      });
      passed.once('error', () => answer.destroy());
      asked.pipe(passed);
      return;
    }
    const file = files.get(pathname);
    if (!file) return answer.writeHead(pathname.startsWith('/probo/') ? 201 : 404).end(pathname.startsWith('/probo/') ? '{}' : '');
    answer.writeHead(200, { 'content-type': file.type, 'content-encoding': 'br', 'cache-control': file.cache }).end(file.body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  candidates.forEach((candidate, i) => {
    for (const count of [0, 3]) files.set(`/${i}/${count}`, { type: 'text/html; charset=utf-8', body: brotliCompressSync(page(candidate, count, `http://127.0.0.1:${port}`)), cache: 'no-store' });
  });
  return { port, close: () => server.close() };
};
