___TERMS_OF_SERVICE___

By creating or modifying this file you agree to Google Tag Manager's Community
Template Gallery Developer Terms of Service available at
https://developers.google.com/tag-manager/gallery-tos (or such other URL as
Google may provide), as modified from time to time.


___INFO___

{
  "type": "TAG",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "Volenti consent banner",
  "categories": [
    "TAG_MANAGEMENT",
    "PERSONALIZATION"
  ],
  "brand": {
    "id": "brand_dummy",
    "displayName": "Volenti"
  },
  "description": "Denies Consent Mode by default, loads the banner of your Volenti consent server, and tells Consent Mode what the visitor decides. Fire it on Consent Initialization - All Pages.",
  "containerContexts": [
    "WEB"
  ]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "server",
    "displayName": "Address of the consent server",
    "simpleValueType": true,
    "help": "As you gave it to volenti embed. No final slash.",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^https://[^/?#]+(/[^?#]*[^/?#])?$"
        ],
        "errorMessage": "Write https:// and the server's name, without a final slash."
      }
    ],
    "defaultValue": "https://consent.example.com"
  },
  {
    "type": "TEXT",
    "name": "site",
    "displayName": "Site key",
    "simpleValueType": true,
    "help": "",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
        ],
        "errorMessage": "1 to 40 of a-z, 0-9 and inner hyphens."
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "lang",
    "displayName": "Language of the page",
    "simpleValueType": true,
    "help": "BCP 47, such as de. Empty: the browser's.",
    "valueValidators": []
  },
  {
    "type": "TEXT",
    "name": "wait",
    "displayName": "Wait for the visitor's stored decision (milliseconds)",
    "simpleValueType": true,
    "help": "How long Google's tags wait before they act on the default.",
    "valueValidators": [
      {
        "type": "NON_NEGATIVE_NUMBER"
      }
    ],
    "defaultValue": "500"
  },
  {
    "type": "SIMPLE_TABLE",
    "name": "mapping",
    "displayName": "Which categories stand for which consent types",
    "help": "A type is granted when every category that names it is granted. Types that no category names stay denied.",
    "simpleTableColumns": [
      {
        "defaultValue": "",
        "displayName": "Category key",
        "name": "category",
        "type": "TEXT",
        "valueValidators": [
          {
            "type": "NON_EMPTY"
          }
        ]
      },
      {
        "defaultValue": "",
        "displayName": "Consent types, separated by commas",
        "name": "types",
        "type": "TEXT",
        "valueValidators": [
          {
            "type": "NON_EMPTY"
          }
        ]
      }
    ],
    "defaultValue": [
      {
        "category": "marketing",
        "types": "ad_storage, ad_user_data, ad_personalization"
      },
      {
        "category": "analytics",
        "types": "analytics_storage"
      },
      {
        "category": "preferences",
        "types": "functionality_storage, personalization_storage"
      }
    ]
  },
  {
    "type": "CHECKBOX",
    "name": "redact",
    "checkboxText": "Redact ads data while ad_storage is denied",
    "simpleValueType": true,
    "defaultValue": true
  },
  {
    "type": "CHECKBOX",
    "name": "passthrough",
    "checkboxText": "Pass ad click information through links",
    "simpleValueType": true,
    "defaultValue": false
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

const callInWindow = require('callInWindow');
const copyFromWindow = require('copyFromWindow');
const createQueue = require('createQueue');
const encodeUriComponent = require('encodeUriComponent');
const gtagSet = require('gtagSet');
const injectScript = require('injectScript');
const log = require('logToConsole');
const makeNumber = require('makeNumber');
const queryPermission = require('queryPermission');
const setDefaultConsentState = require('setDefaultConsentState');
const updateConsentState = require('updateConsentState');

const optional = ['ad_storage', 'ad_user_data', 'ad_personalization', 'analytics_storage', 'functionality_storage', 'personalization_storage'];

// Denied everywhere, and before anything else: the server knows the visitor's law, this tag does not.
const defaults = { security_storage: 'granted', wait_for_update: makeNumber(data.wait) || 500 };
optional.forEach((type) => {
  defaults[type] = 'denied';
});
setDefaultConsentState(defaults);
gtagSet({ ads_data_redaction: data.redact === true, url_passthrough: data.passthrough === true });

const types = (row) => row.types.split(',').map((type) => type.trim());

/** Tells Consent Mode what is in force. What the banner does not say, or no row names, stays denied. */
const update = () => {
  const state = copyFromWindow('volenti.state');
  if (!state || !state.categories) return;
  const states = {};
  optional.forEach((type) => {
    const rows = (data.mapping || []).filter((row) => types(row).indexOf(type) >= 0);
    states[type] = rows.length && rows.every((row) => state.categories[row.category.trim()] === true) ? 'granted' : 'denied';
  });
  updateConsentState(states);
};

if (copyFromWindow('volenti.state')) {
  // The banner's own line stands before this container.
  update();
  callInWindow('volenti.on', 'change', update);
  data.gtmOnSuccess();
} else {
  // The banner runs what was queued when it is there.
  const ask = createQueue('volenti');
  ask(['on', 'ready', update]);
  ask(['on', 'change', update]);
  const url = data.server + '/b/' + encodeUriComponent(data.site) + '.js' + (data.lang ? '?lang=' + encodeUriComponent(data.lang) : '');
  if (queryPermission('inject_script', url)) {
    injectScript(url, data.gtmOnSuccess, data.gtmOnFailure, 'volenti');
  } else {
    log('Volenti: this template may not load ' + url + '. Make it anew with: volenti embed --platform gtm');
    data.gtmOnFailure();
  }
}


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "access_consent",
        "versionId": "1"
      },
      "param": [
        {
          "key": "consentTypes",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_storage"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_user_data"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_personalization"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "analytics_storage"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "functionality_storage"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "personalization_storage"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "security_storage"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "access_globals",
        "versionId": "1"
      },
      "param": [
        {
          "key": "keys",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "volenti"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "volenti.state"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "volenti.on"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "inject_script",
        "versionId": "1"
      },
      "param": [
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "https://consent.example.com/*"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "write_data_layer",
        "versionId": "1"
      },
      "param": [
        {
          "key": "keyPatterns",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "ads_data_redaction"
              },
              {
                "type": 1,
                "string": "url_passthrough"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "logging",
        "versionId": "1"
      },
      "param": [
        {
          "key": "environments",
          "value": {
            "type": 1,
            "string": "debug"
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios:
- name: Denies by default before anything is loaded
  code: |-
    const order = [];
    mock('setDefaultConsentState', (states) => {
      order.push('default');
      assertThat(states.ad_storage).isEqualTo('denied');
      assertThat(states.analytics_storage).isEqualTo('denied');
      assertThat(states.personalization_storage).isEqualTo('denied');
      assertThat(states.security_storage).isEqualTo('granted');
      assertThat(states.wait_for_update).isEqualTo(500);
    });
    mock('gtagSet', () => order.push('set'));
    mock('injectScript', (url, onSuccess) => {
      order.push('script');
      onSuccess();
    });
    runCode(mockData);
    assertThat(order).isEqualTo(['default', 'set', 'script']);
    assertApi('updateConsentState').wasNotCalled();
    assertApi('gtmOnSuccess').wasCalled();
- name: Loads the banner of this server in the language of the page
  code: |-
    mock('injectScript', (url, onSuccess) => onSuccess());
    runCode(mockData);
    assertApi('injectScript').wasCalledWith('https://consent.example.com/b/shop.js?lang=de', mockData.gtmOnSuccess, mockData.gtmOnFailure, 'volenti');
- name: Tells Consent Mode what was decided
  code: |-
    const queue = [];
    let state;
    mock('createQueue', () => (entry) => queue.push(entry));
    mock('copyFromWindow', (key) => (key === 'volenti.state' ? state : undefined));
    runCode(mockData);
    assertThat(queue.map((entry) => entry[1])).isEqualTo(['ready', 'change']);
    state = { decided: true, categories: { analytics: true, marketing: false } };
    queue[1][2]();
    assertApi('updateConsentState').wasCalledWith({
      ad_storage: 'denied', ad_user_data: 'denied', ad_personalization: 'denied', analytics_storage: 'granted',
      functionality_storage: 'denied', personalization_storage: 'denied'
    });
- name: Loads nothing twice where the banner is there already
  code: |-
    mock('copyFromWindow', (key) => (key === 'volenti.state' ? { categories: { marketing: true } } : undefined));
    runCode(mockData);
    assertApi('injectScript').wasNotCalled();
    assertApi('callInWindow').wasCalled();
    assertApi('updateConsentState').wasCalled();
    assertApi('gtmOnSuccess').wasCalled();
- name: Fails, and leaves everything denied, where the script can't be loaded
  code: |-
    mock('injectScript', (url, onSuccess, onFailure) => onFailure());
    runCode(mockData);
    assertApi('gtmOnFailure').wasCalled();
    assertApi('updateConsentState').wasNotCalled();
- name: Fails where the template is another server's
  code: |-
    mock('queryPermission', false);
    runCode(mockData);
    assertApi('injectScript').wasNotCalled();
    assertApi('gtmOnFailure').wasCalled();
setup: |-
  const mockData = {
    server: 'https://consent.example.com',
    site: 'shop',
    lang: 'de',
    wait: '500',
    redact: true,
    passthrough: false,
    mapping: [
      { category: 'marketing', types: 'ad_storage, ad_user_data, ad_personalization' },
      { category: 'analytics', types: 'analytics_storage' },
      { category: 'preferences', types: 'functionality_storage, personalization_storage' }
    ]
  };
  mock('queryPermission', true);
  mock('copyFromWindow', undefined);
  mock('injectScript', () => {});


___NOTES___

Made for one server: its address stands in the permission to inject scripts.
volenti embed --platform gtm --url https://consent.example.com prints it for yours.
