// The page: reads the file, shows what was found. All text is set as text.
const show = () => {
  const $ = (id) => document.getElementById(id);
  const h = (tag, set, ...children) => {
    const el = Object.assign(document.createElement(tag), set);
    el.append(...children);
    return el;
  };
  const result = $('result');
  const drop = document.querySelector('.drop');
  let chosen;
  let turn = 0;

  const say = (found, trust) => {
    const words = { ok: 'holds', fails: 'fails', skip: 'not done' };
    const items = found.checks.map(({ name, failed, note }) => {
      const state = failed !== undefined ? 'fails' : note ? 'skip' : 'ok';
      return h('li', { className: state }, h('b', {}, words[state]), h('span', {}, about[name], h('small', {}, failed ?? note ?? name)));
    });
    const verdict = found.ok
      ? h('p', { className: 'verdict' }, h('strong', {}, 'All checks hold. '), 'The parts of this bundle belong together, and nothing of its evidence was altered.')
      : h('p', { className: 'verdict bad' }, h('strong', {}, 'This bundle does not hold. '), 'What fails stands below. Nothing in it is to be relied on.');
    result.replaceChildren(h('h2', { tabIndex: -1, id: 'verdict' }, 'Result'), verdict, ...(found.ok ? [...record(found), h('h2', {}, 'What this rests on'), ...rests(found, trust)] : []), h('h2', {}, 'Checks'), h('ul', { className: 'checks' }, ...items));
    result.dataset.state = found.ok ? 'holds' : 'fails';
  };

  const record = ({ receipt: { core, id, key_id: key }, log }) => {
    const at = (ms) => new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
    const rows = [
      ['Receipt', id],
      ['Website', `${core.site} (${core.controller.name})`],
      ['Given', at(core.given_at)],
      ['Received', at(core.received_at)],
      ['Answer', `${core.state.replace('_', ' ')} (${core.action}, on: ${core.surface}), ${core.basis}`],
      ...Object.entries(core.categories).map(([k, v]) => [k, `${v.replace('_', ' ')} (the law asks for: ${core.models[k]})`]),
      ['Law', `${core.law}, table of ${core.law_table}; region ${core.region}`],
      ...Object.entries(core.policies).map(([k, v]) => [`Policy ${k}`, `version ${v.number}, in force since ${at(v.effective)}`]),
      ['Log', `${log.origin}, ${log.size} leaves`],
      ['Key', key],
    ];
    return [h('h2', {}, 'What the record says'), h('dl', {}, ...rows.flatMap(([what, said]) => [h('dt', {}, what), h('dd', {}, said)]))];
  };

  const rests = ({ receipt }, trust) => [
    h('p', {}, trust.keys ? 'The receipt’s signature was checked with the keys you gave.' : `The key of the receipt came from the bundle itself, so its signature shows only that the parts fit together: whoever can make up a server can make up its keys. Compare the key ${receipt.key_id} with one you got elsewhere.`),
    h('p', {}, trust.vkey ? 'The log was checked with the key you gave.' : 'The key of the log came from the bundle, too.', trust.checkpoint ? ' Its checkpoint is the one you kept.' : ' Only a checkpoint that somebody kept shows that the log was not made up later.'),
    h('p', {}, 'Not even then does it show that a person clicked, who that was, that nothing was invented before it was entered, or that the answer is a valid consent. README.txt says more.'),
  ];

  const run = async () => {
    if (!chosen) return;
    const mine = ++turn;
    const typed = (id) => $(id).value.trim();
    const trust = {};
    if (typed('keys')) trust.keys = typed('keys');
    if (typed('vkey')) trust.vkey = typed('vkey');
    if (typed('checkpoint')) trust.checkpoint = typed('checkpoint') + '\n';
    result.dataset.state = 'busy';
    result.replaceChildren(h('p', {}, 'Checking …'));
    const missing = await unable();
    if (missing) {
      result.replaceChildren(h('p', { className: 'wrong' }, missing));
      result.dataset.state = 'unable';
      return;
    }
    const found = chosen.size > maxArchive ? { ok: false, checks: [{ name: 'archive', failed: `it is larger than ${maxArchive >> 20} MiB` }] } : await verifyBundle(new Uint8Array(await chosen.arrayBuffer()), trust);
    if (mine === turn) say(found, trust);
  };

  $('file').addEventListener('change', () => {
    chosen = $('file').files[0];
    run();
  });
  for (const id of ['keys', 'vkey', 'checkpoint']) $(id).addEventListener('change', run);
  document.querySelector('form').addEventListener('submit', (e) => e.preventDefault());
  for (const name of ['dragover', 'dragleave', 'drop'])
    drop.addEventListener(name, (e) => {
      e.preventDefault();
      drop.classList.toggle('over', name === 'dragover');
      if (name !== 'drop' || !e.dataTransfer.files[0]) return;
      chosen = e.dataTransfer.files[0];
      run();
    });
};
if (globalThis.document) show();
else globalThis.verifyBundle = verifyBundle;
