<?php
/**
 * As much of WordPress as the plugin calls. Escapers do what WordPress's do to what can break out of markup.
 */

define( 'ABSPATH', __DIR__ . '/' );

$GLOBALS['hooks']   = array();
$GLOBALS['options'] = array();
$GLOBALS['inline']  = array();
$GLOBALS['may']     = true;

function add_action( $name, $call, $priority = 10, $arguments = 1 ) {
	$GLOBALS['hooks'][ $name ][] = array( $call, $priority, $arguments );
}
function add_filter( $name, $call, $priority = 10, $arguments = 1 ) {
	add_action( $name, $call, $priority, $arguments );
}
function add_shortcode( $name, $call ) {
	$GLOBALS['hooks'][ '[' . $name . ']' ][] = array( $call, 10, 2 );
}
function get_option( $name, $default = false ) {
	return array_key_exists( $name, $GLOBALS['options'] ) ? $GLOBALS['options'][ $name ] : $default;
}
function delete_option( $name ) {
	unset( $GLOBALS['options'][ $name ] );
}
function is_multisite() {
	return false;
}
function get_bloginfo( $what ) {
	return 'language' === $what ? 'de-AT' : '';
}
function register_setting( $group, $name, $arguments ) {
	$GLOBALS['hooks'][ 'sanitize ' . $name ][] = array( $arguments['sanitize_callback'], 10, 1 );
}
function add_options_page( $title, $menu, $capability, $slug, $call ) {
	$GLOBALS['hooks'][ 'page ' . $slug ][] = array( $call, 10, $capability );
}
function current_user_can( $capability ) {
	return $GLOBALS['may'] && 'manage_options' === $capability;
}
function settings_fields( $group ) {
	echo '<input type="hidden" name="_wpnonce" value="' . esc_attr( $group ) . '">';
}
function submit_button() {
	echo '<button>Save</button>';
}
function checked( $on ) {
	echo $on ? 'checked' : '';
}
function esc_attr( $text ) {
	return htmlspecialchars( (string) $text, ENT_QUOTES, 'UTF-8', false );
}
function esc_html( $text ) {
	return esc_attr( $text );
}
function esc_textarea( $text ) {
	return htmlspecialchars( (string) $text, ENT_QUOTES, 'UTF-8' );
}
function esc_url( $url ) {
	return preg_match( '~^https?://~', $url ) ? esc_attr( str_replace( array( '<', '>', '"', "'", ' ' ), '', $url ) ) : '';
}
function esc_html_e( $text, $domain ) {
	echo esc_html( $text );
}
function esc_html__( $text, $domain ) {
	return esc_html( $text );
}
function __( $text, $domain ) {
	return $text;
}
function wp_strip_all_tags( $text ) {
	return trim( strip_tags( $text ) );
}
function wp_add_inline_script( $handle, $code ) {
	$GLOBALS['inline'][] = array( $handle, $code );
}

require __DIR__ . '/../volenti/volenti.php';
