import { keeps } from './vendors.mjs';

/** The notice file of a site that has all these vendors, and says of each what it keeps. `hosts`: more patterns, by vendor. */
export const notice = ({ site, origins, snippets, google = 'basic', hosts = {} }) => `
site = "${site}"
languages = ["en"]
origins = ${JSON.stringify(origins)}
categories = ["necessary", "preferences", "analytics", "marketing"]

[controller]
name = "Shop GmbH"
address = "Beispielgasse 1, 1010 Wien, Austria"
contact = "privacy@shop.test"
establishment = "AT"

[google]
mode = "${google}"
wait_for_update = 200
${snippets.map((snippet) => vendor(snippet, hosts[snippet.key] ?? snippet.hosts)).join('')}`;

const vendor = ({ key, name, category }, hosts) => `
[[vendor]]
key = "${key}"
name = "${name}"
category = "${category}"
${hosts ? `hosts = ${JSON.stringify(hosts)}\n` : ''}${(keeps[key] ?? []).map(stored).join('')}`;

const stored = ([kind, name]) => `
[[vendor.stores]]
name = "${name}"
kind = "${kind}"
duration = "${kind === 'session' ? 'session' : '90 days'}"
purpose = "For tests."
`;

export const policy = '# Privacy policy\n\nShop GmbH runs this shop.\n';
