<?php
/**
 * The bridge to the WP Consent API plugin, where that is there: other plugins ask it what they may do.
 * https://wordpress.org/plugins/wp-consent-api/
 *
 * @package Volenti
 */

defined( 'ABSPATH' ) || exit;

/**
 * Says that consent is asked for first. The banner sets what a visitor's own law says as soon as it knows it.
 *
 * @param mixed $type What another plugin said.
 */
function volenti_consent_type( $type ) {
	return '' === volenti_script_url() ? $type : 'optin';
}

/** Puts the bridge behind the API's own script, which comes with the plugin; without it nothing is put anywhere. */
function volenti_enqueue_bridge(): void {
	if ( '' === volenti_script_url() || ! function_exists( 'wp_has_consent' ) ) {
		return;
	}
	wp_add_inline_script( 'wp-consent-api', volenti_bridge() );
}

/**
 * The bridge: tells the API what is in force, now and after each decision. A category that the notice does not have is
 * denied. The API knows "statistics-anonymous" beside the four; it goes with statistics here.
 */
function volenti_bridge(): string {
	return "(function () {
  var types = { preferences: ['preferences'], statistics: ['analytics'], 'statistics-anonymous': ['analytics'], marketing: ['marketing'] };
  function tell() {
    var state = window.volenti && window.volenti.state;
    if (!state || typeof wp_set_consent !== 'function') return;
    // The API keeps what it is told in cookies: before a decision it is told nothing but what the law has on.
    var on = Object.keys(types).some(function (type) { return state.categories[types[type][0]] === true; });
    if (!state.decided && !on) return;
    wp_set_consent('functional', 'allow');
    Object.keys(types).forEach(function (type) {
      var granted = types[type].every(function (key) { return state.categories[key] === true; });
      wp_set_consent(type, granted ? 'allow' : 'deny');
    });
  }
  ['ready', 'decision', 'change'].forEach(function (name) { document.addEventListener('volenti:' + name, tell); });
  tell();
})();";
}
