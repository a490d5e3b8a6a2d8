// The server is down, slow, or talks nonsense: nothing fires, the page works, no decision is lost.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { control, press, quiet, ran, stored } from '../browser/harness.mjs';
import { asked, kept, nothing, wait, world } from './world.mjs';

const s = world();
afterEach(async () => {
  await s.server.stop();
  await s.server.serve();
});

const works = async (page) => {
  await page.click('#buy');
  assert.equal(await page.textContent('#buy'), 'Bought');
};

/** The visitor's pointer came near, so all of the gate is there. */
const near = async (page, name = 'accept') => {
  await control(page, name).hover();
  await page.evaluate(() => new Promise((done) => volenti.on('ready', done)));
};

test('down from the start: nothing fires, nothing is kept, the page works', async () => {
  await s.server.stop();
  const page = await s.open('/?region=DE');
  await quiet();
  await works(page);
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(await kept(page), nothing);
  assert.deepEqual(page.thrown, []);
});

test('a decision made while it is down counts at once, is kept, and gets its receipt when it is back', async () => {
  const page = await s.open('/slow?region=DE');
  await near(page);
  await s.server.stop();
  await press(page, 'accept');
  await wait(async () => (await ran(page)).join('') === 'ABCD', 'the tags');
  await works(page);
  assert.equal(await page.evaluate(() => volenti.state.receipt), undefined);
  const [{ id, action }] = (await stored(page)).p;
  assert.equal(action, 'accept_all');

  // The next page, without a server: the script that would read the yes is not there, so nothing fires.
  s.vendors.hits.length = 0;
  await page.goto(s.origin + '/slow?region=DE&page=2');
  await quiet();
  assert.deepEqual(s.vendors.hits, []);
  await works(page);

  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await s.server.serve();
  await page.goto(s.origin + '/slow?region=DE&page=3');
  const core = await s.receipt(page);
  assert.deepEqual([core.state, core.action], ['given', 'accept_all']);
  assert.equal((await sent).postDataJSON().id, id, 'the same decision, sent again');
  assert.equal((await stored(page)).p, undefined);
  assert.equal(await asked(page), false);
  assert.deepEqual(page.thrown, []);
});

test('down before more than the first script came: a yes counts and is kept, and its tags run once the server is back', async () => {
  const page = await s.open('/slow?region=DE');
  await control(page, 'accept').waitFor();
  await s.server.stop();
  await press(page, 'accept');
  await works(page);
  assert.equal(await asked(page), false);
  assert.equal((await stored(page)).p.length, 1);
  assert.deepEqual(await ran(page), [], 'what releases them is not there');
  await s.server.serve();
  await wait(async () => (await ran(page)).join('') === 'ABCD', 'the tags');
  assert.equal((await s.receipt(page)).state, 'given');
  assert.deepEqual(page.thrown, []);
});

test('a page that stays open sends its decision by itself once the server is back', async () => {
  const page = await s.open('/slow?region=DE');
  await near(page, 'reject');
  await s.server.stop();
  await press(page, 'reject');
  await wait(async () => (await stored(page))?.p?.length === 1, 'the decision to be kept');
  await s.server.serve();
  assert.equal((await s.receipt(page)).state, 'refused');
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(page.thrown, []);
});

test('frozen in the middle of a visit: a yes counts, a no counts, and both are recorded in the end', async () => {
  const page = await s.open('/slow?region=DE');
  await near(page);
  s.server.freeze();
  await press(page, 'accept');
  await wait(async () => (await ran(page)).join('') === 'ABCD', 'the tags');
  await works(page);
  assert.equal(await asked(page), false);
  s.server.thaw();
  assert.equal((await s.receipt(page)).state, 'given');
  s.server.freeze();
  await page.evaluate(() => volenti.withdraw());
  await wait(() => page.evaluate(() => !volenti.state.categories.analytics), 'the withdrawal');
  s.server.thaw();
  await wait(async () => (await s.receipt(page)).state === 'withdrawn', 'its receipt');
  assert.deepEqual(page.thrown, []);
});

test('frozen before the visit: nothing fires while it is, and the page asks once it answers', async () => {
  const page = await (await s.visitor()).newPage();
  s.server.freeze();
  const coming = page.goto(s.origin + '/?region=DE');
  await quiet(1500);
  assert.deepEqual(s.vendors.hits, []);
  s.server.thaw();
  await coming;
  await control(page, 'reject').waitFor();
  assert.deepEqual(s.vendors.hits, []);
  await works(page);
});

test('a proxy that answers with a page of its own: nothing fires, the page works', async () => {
  s.place('path');
  const nonsense = '<!doctype html><title>Sign in</title><h1>Sign in to continue</h1>';
  s.shop.upstream = nonsense;
  const page = await s.open('/?region=DE');
  await quiet();
  await works(page);
  assert.deepEqual(s.vendors.hits, []);
  assert.deepEqual(await kept(page), nothing);
  assert.deepEqual(page.thrown, ["Unexpected token '<'"], 'what the browser says of any script that is none');

  // And one that begins to while a page is open.
  s.shop.upstream = s.server.port;
  const open = await s.open('/slow?region=DE');
  await near(open);
  s.shop.upstream = nonsense;
  await press(open, 'accept');
  await wait(async () => (await ran(open)).join('') === 'ABCD', 'the tags');
  await quiet();
  assert.equal((await stored(open)).p.length, 1, 'a page is no receipt');
  s.shop.upstream = s.server.port;
  await open.goto(s.origin + '/slow?region=DE&page=2');
  assert.equal((await s.receipt(open)).state, 'given');
  assert.deepEqual(open.thrown, []);
});
