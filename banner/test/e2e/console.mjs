// Operators in browsers: signed in, each to a context of their own.
import { setUp } from './signin.mjs';
import { patience, wait } from './world.mjs';

/** What was blocked by a page's own policy, and what threw in it. */
const watch = (page) => {
  page.broken = [];
  page.on('pageerror', (e) => page.broken.push(e.message));
  page.on('console', (m) => /content security policy/i.test(m.text()) && page.broken.push(m.text()));
  return page;
};

/** A browser of an operator. */
const operator = (s, context) => {
  context.setDefaultTimeout(patience);
  const it = {
    context,
    open: async (path) => {
      const page = watch(await context.newPage());
      await page.goto(s.server.base + path);
      return page;
    },
    /** The same operator in a browser that runs no scripts. */
    without: async () => operator(s, await context.browser().newContext({ storageState: await context.storageState(), javaScriptEnabled: false })),
  };
  return it;
};

/** The first owner, signed in by the link that the server printed. */
export const enter = async (s) => {
  const link = await wait(() => /\/admin\/enter\/[\w-]+/.exec(s.server.log())?.[0], 'the link of the first owner');
  const it = operator(s, await s.browser().newContext());
  const page = await it.open(link);
  await page.getByLabel('Your name').fill('Anna');
  await page.getByLabel('E-mail').fill('anna@shop.test');
  await page.getByRole('button', { name: 'Become the first owner' }).click();
  await setUp(page);
  await page.close();
  return it;
};

/** Tabs to an element, as somebody without a mouse does. */
export const tabTo = async (page, locator) => {
  const wanted = await locator.elementHandle();
  for (let i = 0; i < 120; i++) {
    if (await wanted.evaluate((el) => el === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('the keyboard does not reach ' + locator);
};

/** Tabs until the focus is on an element that matches, as somebody without a mouse does. */
export const reach = async (page, selector, name) => {
  for (let i = 0; i < 120; i++) {
    const there = await page.evaluate(
      ([selector, source]) => {
        const at = document.activeElement;
        return at.matches(selector) && (!source || new RegExp(source).test(at.textContent));
      },
      [selector, name?.source],
    );
    if (there) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${selector} ${name ?? ''}`);
};

/** Another operator, invited by the owner, signed in by the link of the invitation. */
export const invite = async (s, owner, { name, role }) => {
  const page = await owner.open('/admin/operators/new');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel(/^E-mail/).fill(`${name.toLowerCase()}@shop.test`);
  await page.locator(`input[name=role][value=${role}]`).check();
  await page.locator('input[name=where][value=all]').check();
  await page.getByRole('button', { name: /invite/i }).click();
  const link = /\/admin\/enter\/[\w-]+/.exec(await page.locator('main').innerText())[0];
  await page.close();
  const it = operator(s, await s.browser().newContext());
  const theirs = await it.open(link);
  await theirs.locator('main form button').first().click();
  await setUp(theirs);
  await theirs.close();
  return it;
};
