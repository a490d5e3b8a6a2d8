// One installation of the real binary: a data folder, the commands that fill it, and the process that serves it.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../browser/harness.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** For what a slow machine may take long for; nothing is measured by it. */
export const patience = 60_000;

/** A port of loopback that is free now. */
export const freePort = () =>
  new Promise((done, fail) => {
    const server = createServer().once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** Builds the binary and makes an empty data folder. `end` takes both away, and the process. */
export const install = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'volenti-e2e-'));
  let child, said, ended;
  // Also where a test is broken off, or nothing could be built.
  const clean = () => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', clean);
  const binary = join(folder, 'volenti');
  execFileSync('go', ['build', '-o', binary, './cmd/volenti'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, CGO_ENABLED: '1' } });
  const data = join(folder, 'data');
  execFileSync('mkdir', ['-m', '700', data]);
  const port = await freePort();

  const it = {
    binary,
    data,
    port,
    base: `http://127.0.0.1:${port}`,
    /** Writes a file that a command is to read; its path. */
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    read: (name) => readFileSync(join(data, name), 'utf8'),
    /** Runs `volenti …` to its end; what it printed, or its failure with that. What it said beside it is in `aside`. */
    volenti(...args) {
      const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8', env: { ...process.env, VOLENTI_DATA: data } });
      if (status !== 0) throw new Error(`volenti ${args.join(' ')}: exit ${status}\n${stdout}${stderr}`);
      it.aside = stderr;
      return stdout;
    },
    /** Starts `volenti serve`, always on the same port, and waits until it is ready. */
    serve: (...args) => it.start('serve', ...args),
    /** Starts a command that serves. */
    async start(command, ...args) {
      said = '';
      child = spawn(binary, [command, '--region-override', '--listen', `127.0.0.1:${port}`, '--data', data, '--log-level', 'debug', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
      ended = new Promise((done) => child.once('exit', done));
      const alive = child;
      await until(async () => {
        if (alive.exitCode !== null) throw new Error('volenti ended at once:\n' + said);
        return (await fetch(it.base + '/readyz').catch(() => undefined))?.ok;
      }, 'volenti to be ready', patience);
    },
    async stop() {
      child?.kill('SIGCONT');
      child?.kill('SIGTERM');
      await ended;
    },
    /** Neither dead nor answering: the port takes connections, and that is all. */
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    /** What it logged since its last start. */
    log: () => said,
    /** The receipt of that id, as the server hands it out. */
    async receipt(site, id) {
      const answer = await fetch(`${it.base}/v1/sites/${site}/receipts/${id}`);
      if (!answer.ok) throw new Error(`receipt ${id}: ${answer.status}`);
      return answer.text();
    },
    async end() {
      process.removeListener('exit', clean);
      child?.kill('SIGKILL');
      await ended;
      clean();
    },
  };
  return it;
};
