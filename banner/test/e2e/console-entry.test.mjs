// The way into the console: the first link, passkeys, password and code; by keyboard, without script, on small screens.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';
import { findings, tooWide } from './axe.mjs';
import { tabTo } from './console.mjs';
import { install, patience } from './installation.mjs';
import { authenticator, code, nextCode, password, setUp } from './signin.mjs';
import { until } from '../browser/harness.mjs';

const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const shots = process.env.SHOTS; // a folder: pictures of every page, for people

let server, browser, base;

before(async () => {
  server = await install();
  server.volenti('site', 'add', 'shop', '--name', 'The shop');
  await server.serve();
  base = `http://localhost:${server.port}/`;
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});
after(async () => {
  await browser?.close();
  await server?.end();
});

const open = async (options) => {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.broken = [];
  page.on('pageerror', (e) => page.broken.push(e.message));
  page.on('console', (m) => /content security policy/i.test(m.text()) && page.broken.push(m.text()));
  return page;
};

/** What every page has to be: without findings of axe, not wider than a phone, within its own policy. */
const sound = async (page, name) => {
  assert.deepEqual(await findings(page), [], name);
  const size = page.viewportSize();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    if (shots) await page.screenshot({ path: `${shots}/${name}-${colorScheme}.png`, fullPage: true });
    if (colorScheme === 'dark') assert.deepEqual(await findings(page), [], name + ', dark');
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 320, height: 640 });
  assert.deepEqual(await page.evaluate(tooWide), [], name + ' at 320 px');
  if (shots) await page.screenshot({ path: `${shots}/${name}-phone.png`, fullPage: true });
  await page.setViewportSize(size);
  assert.deepEqual(page.broken, [], name);
};

const firstLink = () => until(() => /http:\/\/localhost:\d+\/admin\/enter\/[\w-]{43}/.exec(server.log())?.[0], 'the first link', patience);
const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
let secret, recovery, inviteLink;

test('the first link makes an owner with a passkey, who signs out and in again by it', async () => {
  const page = await open();
  const keys = await authenticator(page);
  const link = await firstLink();
  await page.goto(link);
  await page.goto(link); // looking at it does not use it up
  await heading(page, 'Become the first owner');
  await sound(page, 'enter');
  await page.getByLabel('Your name').fill('Ada Owner');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByRole('button', { name: 'Become the first owner' }).click();
  await heading(page, 'How will you sign in?');
  await sound(page, 'set-up');
  await page.goto(base + 'admin/operators'); // the link opens nothing else
  await heading(page, 'How will you sign in?');
  await page.getByLabel('What you call it').fill('Test device');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await heading(page, 'Your account');
  await page.getByText('Passkey “Test device” is added.').waitFor();
  assert.equal((await keys.keys()).length, 1);
  await sound(page, 'account');

  const other = await open();
  await other.goto(link);
  await heading(other, 'This link does not open anything any more');
  await sound(other, 'dead-link');

  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await heading(page, 'Sign in');
  await page.goto(base + 'admin/operators');
  await heading(page, 'Sign in');
  assert.equal(await page.getByLabel('E-mail address').getAttribute('autocomplete'), 'username webauthn');
  await sound(page, 'sign-in');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await heading(page, 'Operators'); // and on to where it was
  await sound(page, 'operators');

  // A browser that fills in the address offers the passkey there: no button is pressed.
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await heading(page, 'Sign in');
  await keys.fills(true);
  await page.goto(base + 'admin/operators');
  await heading(page, 'Operators');
  await keys.fills(false);

  await page.goto(base + 'admin/account/password'); // a second way in, for the day the first is lost
  await heading(page, 'Password and code');
  await sound(page, 'password-set');
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('The code it shows now').fill(code((await page.locator('.secret').textContent()).replace(/\s/g, '')));
  await page.getByRole('button', { name: 'Set password and code' }).click();
  await heading(page, 'Keep these codes');
  await sound(page, 'recovery');
});

test('a passkey of somebody whom the device did not verify opens nothing', async () => {
  const page = await open();
  const keys = await authenticator(page);
  await page.goto(base + 'admin/sign-in');
  await keys.verifies(false);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('alert').getByText(/No passkey|opens no account/).waitFor();
  await sound(page, 'sign-in-refused');
});

test('an operator is invited, and sets up password and code without script', async () => {
  // By a shell on the machine: another owner, for what comes next.
  const printed = server.volenti('operator', 'add', 'mia@example.com', '--name', 'Mia', '--role', 'owner', '--all-sites', '--public-url', base.slice(0, -1));
  inviteLink = /http:\S+/.exec(printed)[0];
  const page = await open({ javaScriptEnabled: false });
  await page.goto(inviteLink);
  await heading(page, 'Welcome to the console');
  await page.getByRole('button', { name: 'Set up sign-in' }).click();
  await heading(page, 'How will you sign in?');
  await page.getByRole('link', { name: 'Set password and code' }).click();
  await page.getByLabel('New password').fill('mia12345678');
  await page.getByLabel('The code it shows now').fill('000000');
  await page.getByRole('button', { name: 'Set password and code' }).click();
  await page.getByText('2 things are to be mended').waitFor();
  await page.goto(base + 'admin/set-up');
  ({ secret, recovery } = await setUp(page));
  assert.equal(new Set(recovery).size, 10);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await heading(page, 'Sign in');

  await page.getByLabel('E-mail address').fill('MIA@example.com');
  await page.getByLabel('Password').fill('something else entirely');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Address and password don’t go together').or(page.getByText("Address and password don't go together")).first().waitFor();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Go on' }).click();
  await heading(page, 'Your code');
  await page.getByLabel('Code').fill(nextCode(secret));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await heading(page, 'Sites');
});

test('password and recovery code, by keyboard alone', async () => {
  const page = await open();
  await page.goto(base + 'admin/account');
  await heading(page, 'Sign in');
  await tabTo(page, page.getByLabel('E-mail address'));
  await page.keyboard.type('mia@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await heading(page, 'Your code');
  await sound(page, 'code');
  await tabTo(page, page.getByLabel('Code'));
  await page.keyboard.type('123');
  await page.keyboard.press('Enter');
  await page.getByText('One thing is to be mended').waitFor();
  await until(() => page.evaluate(() => document.activeElement.className === 'wrong'), 'focus on what is wrong');
  await sound(page, 'code-wrong');
  await tabTo(page, page.getByLabel('Code'));
  await page.keyboard.type(recovery[0].toUpperCase());
  await page.keyboard.press('Enter');
  await heading(page, 'Your account');
  await page.getByText('9 left').waitFor();
  for (const [path, title, name] of [
    ['admin/account/password', 'Change your password', 'password'],
    ['admin/account/codes', 'A new app for codes', 'codes'],
    ['admin/operators/new', 'Invite an operator', 'invite'],
    ['admin/tokens', 'Tokens', 'tokens'],
    ['admin/log', 'Log', 'log'],
  ]) {
    await page.goto(base + path);
    await heading(page, title);
    await sound(page, name);
  }
});

test('an owner invites, makes a token, and looks at what was done', async () => {
  const page = await open();
  await page.goto(base + 'admin/sign-in');
  await page.getByLabel('E-mail address').fill('mia@example.com');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByLabel('Code').fill(recovery[1]);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await heading(page, 'Sites');

  await page.goto(base + 'admin/operators/new');
  await page.getByLabel('Name').fill('<img src=x onerror=alert(1)>');
  await page.getByLabel('E-mail address').fill('lee@example.com');
  await page.getByRole('radio', { name: /^legal/ }).check();
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByText('Choose one site at least, or all of them').first().waitFor();
  await sound(page, 'invite-wrong');
  await page.getByLabel('The shop').check();
  await page.getByRole('button', { name: 'Invite' }).click();
  await heading(page, /^Hand this link to/);
  await sound(page, 'link');
  await page.goto(base + 'admin/operators');
  await page.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).click();
  await sound(page, 'operator');

  await page.goto(base + 'admin/tokens');
  await page.getByLabel('What for').fill('pipeline');
  await page.getByRole('checkbox', { name: 'publish policies' }).check();
  await page.getByRole('button', { name: 'Make the token' }).click();
  await heading(page, 'Copy this token now');
  assert.match(await page.locator('.once').textContent(), /^vt_[\w-]{43}[0-9a-f]{8}$/);
  await sound(page, 'token');
  await page.goto(base + 'admin/tokens');
  await sound(page, 'tokens-some');
  await page.getByRole('button', { name: 'End pipeline' }).click();
  await page.getByText('There is no token yet').waitFor();

  await page.goto(base + 'admin/log?what=token.');
  await page.getByRole('cell', { name: 'token.add' }).waitFor();
  await page.getByRole('cell', { name: 'token.end' }).waitFor();
  await sound(page, 'log-some');
});
