/**
 * The shop's notice file (docs/notice-file.md). Its controller is outside the EU, so that each region's own law shows.
 * What nobody marked is let through, unless a test is about that. `more`: TOML of further vendors.
 */
export const notice = ({ site = 'shop', origins, posture = 'cautious', blocking = 'off', more = '' }) => `
site = "${site}"
languages = ["en", "de"]
origins = ${JSON.stringify(origins)}
categories = ["necessary", "preferences", "analytics", "marketing"]
posture = "${posture}"

[controller]
name = "Shop Inc."
address = "1 High Street, Portland, Oregon 97209, USA"
contact = "privacy@shop.test"
establishment = "US"

[google]
mode = "basic"

[blocking]
mode = "${blocking}"

[[vendor]]
key = "video"
name = "Film House"
category = "preferences"

[[vendor]]
key = "ga4"
name = "Google Analytics (Google LLC)"
category = "analytics"
${stores('cookie', '_ga', '13 months')}${stores('cookie', '_ga_*', '13 months')}
[[vendor]]
key = "chain"
name = "Order chain"
category = "analytics"

[[vendor]]
key = "meta"
name = "Meta Pixel (Meta Platforms, Inc.)"
category = "marketing"
${stores('cookie', '_fbp', '90 days')}${stores('local', 'fb-*', 'persistent')}${stores('session', 'fb-*', 'session')}${more}`;

const stores = (kind, name, duration) => `
[[vendor.stores]]
name = "${name}"
kind = "${kind}"
duration = "${duration}"
purpose = { en = "Tells visitors apart.", de = "Unterscheidet Besucher." }
`;

export const policy = (sentence) => `# Privacy policy\n\nShop Inc. runs this shop.\n\n${sentence}\n`;
